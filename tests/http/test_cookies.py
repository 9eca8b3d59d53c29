"""One cookie in, one cookie out."""

from __future__ import annotations

import pytest

from backroom.http.cookies import clear_cookie, read_cookie, set_cookie


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        (b"session=abc", "abc"),
        (b"a=1; session=abc; b=2", "abc"),
        (b" session = abc ", "abc"),
        (b"session=a=b", "a=b"),
        (b"session=", ""),
        (b"xsession=abc", None),
        (b"session2=abc", None),
        (b"a=session=abc", None),
        (b"session", None),
        (b"Session=abc", None),
        (b"", None),
        (b"session=abc; session=def", None),
        (b"session=abc; a=1; session=abc", None),
    ],
)
def test_a_cookie_is_found_by_its_name_and_one_sent_twice_counts_as_absent(sent: bytes, value: str | None) -> None:
    assert read_cookie({b"cookie": sent}, b"session") == value


def test_without_a_cookie_header_there_is_no_cookie() -> None:
    assert read_cookie({}, b"session") is None


def test_a_cookie_is_for_this_host_only_and_hidden_from_scripts() -> None:
    assert set_cookie("__Host-s", "abc", secure=True, max_age=60) == (
        b"set-cookie",
        b"__Host-s=abc; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60",
    )
    assert set_cookie("s", "abc", secure=False) == (b"set-cookie", b"s=abc; Path=/; HttpOnly; SameSite=Lax")
    assert clear_cookie("s", secure=True)[1].endswith(b"Max-Age=0")


@pytest.mark.parametrize(
    ("name", "value"), [("s", "a;b"), ("s", "a\r\nb"), ("s", "a b"), ("s", "a,b"), ("s", "ä"), ("s;", "a"), ("", "a"), ("s", "a" * 4096)]
)
def test_what_a_browser_would_drop_without_a_word_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="cookie"):
        set_cookie(name, value, secure=True)


def test_a_host_cookie_must_be_secure() -> None:
    with pytest.raises(ValueError, match="secure"):
        set_cookie("__Host-s", "a", secure=False)

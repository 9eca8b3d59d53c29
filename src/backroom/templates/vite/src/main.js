import { ApiError, get, patch, post, remove } from "./api.js";

const find = (selector, within = document) => within.querySelector(selector);
const clone = (id) => find(`#${id}`).content.firstElementChild.cloneNode(true);
let me = null; // the signed-in user
let lastEmail = null; // whose half-typed texts are in the forms

// ---- What differs between the two lists: what a form sends, what a row shows --------------------------------------

const lists = {
  todos: list("todos", {
    send: ({ title, due }) => ({ title: title.value, due: due.value || null }), // an empty date is null, not ""
    show(item, todo, save) {
      find(".title", item).textContent = todo.title;
      const done = find(".done", item);
      done.checked = todo.done;
      done.onchange = () => save({ done: done.checked });
      const due = find("time", item);
      due.hidden = !todo.due;
      due.dateTime = todo.due ?? "";
      due.textContent = todo.due ? dayOf(todo.due) : "";
      due.className = !todo.done && todo.due && todo.due < today() ? "late" : "";
      find(".edit", item).ariaLabel = `Edit ${todo.title}`;
      find(".delete", item).ariaLabel = `Delete ${todo.title}`;
    },
    count(section, ended) {
      const open = section.querySelectorAll(".done:not(:checked)").length;
      find("#left").textContent = find(".done", section) ? `${open}${ended ? "" : "+"} left` : "";
    },
  }),
  notes: list("notes", {
    send: (fields) => ({ title: fields.title.value, body: fields.body.value, public: fields.public.checked }),
    show(item, note) {
      const mine = note.owner_id === me?.id;
      find(".title", item).textContent = note.title;
      find(".body", item).textContent = note.body;
      find(".badge", item).textContent = !mine ? "Public, by somebody else" : note.public ? "Public" : "Only you";
      // Hiding a button protects nothing: the rules in app.py refuse whoever sends the request anyway.
      find(".edit", item).hidden = !mine;
      find(".delete", item).hidden = !mine && !me?.roles?.includes("admin");
      find(".edit", item).ariaLabel = `Edit ${note.title}`;
      find(".delete", item).ariaLabel = `Delete ${note.title}`;
    },
  }),
};

function today() {
  return new Date().toLocaleDateString("sv"); // 2026-12-01, in the local time zone
}

function dayOf(date) {
  const day = new Date(`${date}T00:00`);
  const year = day.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return day.toLocaleDateString(undefined, { day: "numeric", month: "short", year });
}

// ---- A list of rows with a form above it ------------------------------------------------------------------------

function list(name, { send, show, count }) {
  const section = find(`#${name}`);
  const [rows, form, more] = [find("ul", section), find("form", section), find(".more", section)];
  let limit = 100;

  async function load() {
    const caller = me;
    const found = await get(`/${name}?order=created_at.desc,id.desc&limit=${limit}`);
    if (caller !== me) return; // a late reply to somebody who has left
    if (find(".editing", rows)) return; // a fresh list would throw away what is being typed
    rows.replaceChildren(...found.map(itemOf));
    more.hidden = found.length < limit || limit === 1000;
    counted();
  }

  function counted() {
    find(".empty", section).hidden = rows.children.length > 0;
    count?.(section, more.hidden);
  }

  function itemOf(row) {
    const item = clone(`${name}-item`);
    const path = `/${name}/${row.id}`;
    const shown = () => {
      show(item, row, save);
      counted();
    };
    const save = async (changes) => {
      await attempt(async () => (row = await patch(path, changes)));
      shown(); // after a refusal too: a tick that was not taken goes back
    };

    find(".edit", item).onclick = () => {
      say("");
      const editor = clone(`${name}-edit`);
      const close = () => {
        editor.remove();
        item.classList.remove("editing");
        find(".edit", item).focus();
      };
      fill(editor, row);
      find(".cancel", editor).onclick = close;
      editor.onkeydown = (event) => event.key === "Escape" && close();
      onSubmit(editor, async () => {
        row = await patch(path, send(editor.elements));
        shown();
        close();
        say("Saved.", { brief: true });
      });
      item.classList.add("editing");
      item.append(editor);
      editor.elements.title.focus();
    };

    find(".delete", item).onclick = () => attempt(async () => {
      await remove(path).catch((error) => {
        if (error.status !== 404) throw error; // 404: already gone, which is what was wanted
      });
      const next = item.nextElementSibling ?? item.previousElementSibling ?? form;
      item.remove();
      counted();
      find("input, button:not([hidden])", next)?.focus(); // the keyboard stays where it was
      say(`Deleted “${row.title}”.`, { brief: true });
    });

    show(item, row, save);
    return item;
  }

  onSubmit(form, async () => {
    const row = await post(`/${name}`, send(form.elements));
    rows.prepend(itemOf(row));
    counted();
    form.reset();
    form.elements.title.focus();
    say(`Added “${row.title}”.`, { brief: true });
  });

  more.onclick = () => {
    limit = Math.min(limit * 2, 1000);
    attempt(load);
  };

  const clear = () => {
    rows.replaceChildren();
    form.reset();
  };
  return { section, form, load, clear };
}

// ---- Forms: send, and say what was wrong beside the field ---------------------------------------------------------

function onSubmit(form, work) {
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return; // a double click sends once
    form.ariaBusy = "true";
    for (const fault of form.querySelectorAll(".fault")) fault.remove();
    for (const input of form.elements) input.ariaInvalid = null;
    find(".alert", form).textContent = "";
    await attempt(() => work(event.submitter), form);
    form.ariaBusy = "false";
  };
}

function fill(form, row) {
  for (const input of form.elements) {
    if (input.type === "checkbox") input.checked = row[input.name];
    else if (input.name) input.value = row[input.name] ?? "";
  }
}

function tellFaults(form, error) {
  let placed = false;
  for (const [name, message] of Object.entries(error.fields)) {
    const input = form.elements.namedItem(name);
    if (!input) continue;
    const fault = document.createElement("small");
    fault.className = "fault";
    fault.textContent = message;
    input.after(fault); // inside the label, so it is read out with the field's name
    input.ariaInvalid = "true";
    placed = true;
  }
  if (placed) find("[aria-invalid=true]", form).focus();
  else find(".alert", form).textContent = error.message;
}

// Runs `work`; a refusal ends beside the field, in the form, or in the status line. What was typed always stays.
async function attempt(work, form) {
  say("");
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) leave("Your session has ended. Sign in again: what you typed is still here.");
    else if (form) tellFaults(form, error);
    else say(error.message);
  }
}

// The status line, read out by screen readers. `brief`: good news goes by itself, bad news stays until the next action.
let timer;
function say(text, { brief = false } = {}) {
  clearTimeout(timer);
  find("#status").textContent = text;
  if (brief) timer = setTimeout(say, 5000, "");
}

// ---- Who is here, and which page is shown ---------------------------------------------------------------------

function enter(user) {
  if (lastEmail && lastEmail !== user.email) clear(); // not for this one's eyes
  lastEmail = user.email;
  me = user;
  render();
}

function leave(message) {
  me = null;
  render();
  say(message);
  find("#sign-in input").focus();
}

function clear() {
  for (const { clear } of Object.values(lists)) clear();
}

function render() {
  const page = location.hash === "#/notes" ? "notes" : "todos";
  for (const link of document.querySelectorAll("nav a")) link.ariaCurrent = link.hash === `#/${page}` ? "page" : null;
  find("#sign-in").hidden = Boolean(me);
  find("#account").hidden = !me;
  find("#email").textContent = me?.email ?? "";
  for (const [name, { section, form, load }] of Object.entries(lists)) {
    section.hidden = name !== page || (!me && name === "todos"); // public notes are for everybody
    form.hidden = !me;
    if (!section.hidden) attempt(load);
  }
}

onSubmit(find("#sign-in form"), async (button) => {
  const form = find("#sign-in form");
  const user = await post(`/${button.value}`, { email: form.elements.email.value, password: form.elements.password.value });
  form.reset();
  enter(user);
});

find("#sign-out").onclick = () => attempt(async () => {
  await remove("/session");
  clear();
  leave("You are signed out.");
});

window.addEventListener("hashchange", render);
get("/session").then(enter, (error) => {
  render();
  if (error.status !== 401) say(error.message);
});

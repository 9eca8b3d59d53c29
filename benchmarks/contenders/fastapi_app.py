"""The same todos as FastAPI's and SQLAlchemy's documentation write them: `Depends`, an `AsyncSession` per request, pydantic in and out,
the OAuth2 password flow with PyJWT and pwdlib, the signed-in user loaded in a dependency.

Beyond the documentation, in its favor: WAL and a long busy time-out on SQLite. Without them 32 connections that write at once get
"database is locked".
"""

# PyJWT is installed for the peers alone, so a checker can't see it:
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import jwt
from fastapi import Depends, FastAPI, HTTPException, Response, status
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from jwt.exceptions import InvalidTokenError
from pwdlib import PasswordHash
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import DateTime, ForeignKey, event, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECRET_KEY = "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"
ALGORITHM = "HS256"
ACCESS_TOKEN_EXPIRE_MINUTES = 30

engine = create_async_engine(os.environ["BENCH_DATABASE_URL"])
new_session = async_sessionmaker(engine, expire_on_commit=False)

if engine.dialect.name == "sqlite":

    @event.listens_for(engine.sync_engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("busy_timeout=30000", "journal_mode=wal", "synchronous=full", "foreign_keys=on"):
            cursor.execute(f"pragma {pragma}")
        cursor.close()


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str] = mapped_column(unique=True)
    hashed_password: Mapped[str]


class Todo(Base):
    __tablename__ = "todos"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    done: Mapped[bool]
    due: Mapped[date | None]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC), onupdate=lambda: datetime.now(UTC))


class TodoCreate(BaseModel):
    title: str = Field(min_length=1, max_length=200)
    done: bool = False
    due: date | None = None


class TodoUpdate(BaseModel):
    title: str | None = Field(default=None, min_length=1, max_length=200)
    done: bool | None = None
    due: date | None = None


class TodoPublic(TodoCreate):
    model_config = ConfigDict(from_attributes=True)
    id: int
    owner_id: UUID
    created_at: datetime
    updated_at: datetime


class NewUser(BaseModel):
    email: str
    password: str = Field(min_length=6)


class Token(BaseModel):
    access_token: str
    token_type: str


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
password_hash = PasswordHash.recommended()
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")


async def get_session() -> AsyncGenerator[AsyncSession]:
    async with new_session() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]


async def get_current_user(token: Annotated[str, Depends(oauth2_scheme)], session: SessionDep) -> User:
    refused = HTTPException(status.HTTP_401_UNAUTHORIZED, "Could not validate credentials", headers={"WWW-Authenticate": "Bearer"})
    try:
        user = await session.get(User, UUID(jwt.decode(token, SECRET_KEY, algorithms=[ALGORITHM]).get("sub")))
    except InvalidTokenError:
        raise refused from None
    if user is None:
        raise refused
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


async def get_todo(todo_id: int, user: CurrentUser, session: SessionDep) -> Todo:
    todo = (await session.execute(select(Todo).where(Todo.id == todo_id, Todo.owner_id == user.id))).scalar_one_or_none()
    if todo is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Todo not found")
    return todo


TodoDep = Annotated[Todo, Depends(get_todo)]


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/users", status_code=status.HTTP_201_CREATED)
async def sign_up(new: NewUser, session: SessionDep) -> dict[str, UUID]:
    user = User(email=new.email, hashed_password=password_hash.hash(new.password))
    session.add(user)
    await session.commit()
    return {"id": user.id}


@app.post("/token")
async def sign_in(form: Annotated[OAuth2PasswordRequestForm, Depends()], session: SessionDep) -> Token:
    user = (await session.execute(select(User).where(User.email == form.username))).scalar_one_or_none()
    if user is None or not password_hash.verify(form.password, user.hashed_password):
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Incorrect username or password", headers={"WWW-Authenticate": "Bearer"})
    expires = datetime.now(UTC) + timedelta(minutes=ACCESS_TOKEN_EXPIRE_MINUTES)
    return Token(access_token=jwt.encode({"sub": str(user.id), "exp": expires}, SECRET_KEY, algorithm=ALGORITHM), token_type="bearer")


@app.get("/api/todos", response_model=list[TodoPublic])
async def read_todos(user: CurrentUser, session: SessionDep, limit: int = 100) -> Any:
    return (await session.execute(select(Todo).where(Todo.owner_id == user.id).order_by(Todo.id.desc()).limit(limit))).scalars().all()


@app.post("/api/todos", response_model=TodoPublic, status_code=status.HTTP_201_CREATED)
async def create_todo(todo_in: TodoCreate, user: CurrentUser, session: SessionDep) -> Any:
    todo = Todo(**todo_in.model_dump(), owner_id=user.id)
    session.add(todo)
    await session.commit()
    return todo


@app.get("/api/todos/{todo_id}", response_model=TodoPublic)
async def read_todo(todo: TodoDep) -> Any:
    return todo


@app.patch("/api/todos/{todo_id}", response_model=TodoPublic)
async def update_todo(todo: TodoDep, todo_in: TodoUpdate, session: SessionDep) -> Any:
    for name, value in todo_in.model_dump(exclude_unset=True).items():
        setattr(todo, name, value)
    await session.commit()
    return todo


@app.delete("/api/todos/{todo_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_todo(todo: TodoDep, session: SessionDep) -> Response:
    await session.delete(todo)
    await session.commit()
    return Response(status_code=status.HTTP_204_NO_CONTENT)

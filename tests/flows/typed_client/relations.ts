// Rows with the rows they lead to: by the names that were declared, and by the names of tables, columns and keys, as PostgREST has it.
import { createClient } from '@supabase/supabase-js'
import type { Database } from './database.types.ts'

const client = createClient<Database>('http://localhost:8000', 'sb_publishable_anything')

const { data: todo } = await client.from('todos').select('*, owner(name), reviewer(name), project(name), parent(title), children(title), tags(name), kinds(name)').single().throwOnError()
const names: string[] = [todo.owner.name, ...todo.tags.map((tag) => tag.name), ...todo.kinds.map((tag) => tag.name)]
const reviewer: { name: string } | null = todo.reviewer
const project: { name: string } | null = todo.project
const parent: { title: string } | null = todo.parent
const children: { title: string }[] = todo.children

const { data: keys } = await client.from('todos').select('a:users!todos_owner_id_fkey(name), b:owner_id(name), c:users!reviewer_id(name), projects(name)').single().throwOnError()
const byKey: string[] = [keys.a.name, keys.b.name]
const byColumn: { name: string } | null = keys.c
const byTable: { name: string } | null = keys.projects

const { data: shared } = await client.from('projects').select('id, owner(name), members(id, user(name, written(title))), memberships(user_id), todos(title)').single().throwOnError()
const titles: string[] = shared.members.flatMap((member) => member.user.written.map((each) => each.title))
const members: string[] = [shared.owner.name, ...shared.memberships.map((each) => each.user_id), ...shared.todos.map((each) => each.title)]

const { data: person } = await client.from('users').select('name, profiles(bio), todos!todos_reviewer_id_fkey(title), written!inner(count)').single().throwOnError()
const profile: { bio: string } | null = person.profiles
const reviewed: { title: string }[] = person.todos

const { data: spread } = await client.from('todos').select('who:owner(mail:email), ...reviewer!inner(reviewer_name:name)').eq('owner.name', 'Ann').single().throwOnError()
const flat: string = spread.reviewer_name
const mail: string | undefined = spread.who.mail

export { byColumn, byKey, byTable, children, flat, mail, members, names, parent, profile, project, reviewed, reviewer, titles }

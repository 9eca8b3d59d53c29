// Rows with the rows they lead to: by the names that were declared, and by those of tables, columns and keys. It compiles, and it runs.
import { createClient } from '@supabase/supabase-js'
import type { Database } from './database.types.ts'

declare const process: { env: { BACKROOM_URL: string } }

function holds(condition: boolean): asserts condition {
  if (!condition) throw new Error('this should hold')
}

const client = createClient<Database>(process.env.BACKROOM_URL, 'sb_publishable_anything', { auth: { persistSession: false } })
const { data: signedUp } = await client.auth.signUp({ email: 'bea@example.com', password: 'plum-orbit-lantern-42' })
const me = signedUp.user?.id ?? ''
await client.from('users').update({ name: 'Bea' }).eq('id', me).throwOnError()
await client.from('profiles').insert({ bio: 'Gardener' }).throwOnError()
const { data: garden } = await client.from('projects').insert({ name: 'Garden' }).select().single().throwOnError()
await client.from('memberships').insert({ project_id: garden.id, user_id: me }).throwOnError()
const { data: plan } = await client.from('todos').insert({ title: 'Plan', project_id: garden.id, reviewer_id: me }).select().single().throwOnError()
const { data: dig } = await client.from('todos').insert({ title: 'Dig', parent_id: plan.id }).select().single().throwOnError()
const { data: tag } = await client.from('tags').insert({ name: 'outside' }).select().single().throwOnError()
await client.from('tags_on_todos').insert({ todo_id: plan.id, tag_id: tag.id }).throwOnError()

// ---------------------------------------------------------------- by declared names
const { data: first } = await client
  .from('todos')
  .select('*, owner(name), reviewer(name), project(name), parent(title), children(title, parent(title)), tags(name), kinds(id)')
  .eq('id', plan.id)
  .single()
  .throwOnError()
holds(first.title === 'Plan' && first.owner.name === 'Bea' && first.tags[0]?.name === 'outside' && first.kinds[0]?.id === tag.id)
const reviewer: { name: string } | null = first.reviewer
const project: { name: string } | null = first.project
const parent: { title: string } | null = first.parent
const children: { title: string; parent: { title: string } | null }[] = first.children
holds(reviewer?.name === 'Bea' && project?.name === 'Garden' && parent === null && children[0]?.parent?.title === 'Plan')

const { data: shared } = await client
  .from('projects')
  .select('owner(name), members(user(name, written(title))), memberships(user_id), todos(title)')
  .single()
  .throwOnError()
const titles: string[] = shared.members.flatMap((member) => member.user.written.map((each) => each.title))
holds(titles.length === 2 && shared.owner.name === 'Bea' && shared.memberships[0]?.user_id === me && shared.todos[0]?.title === 'Plan')

// ---------------------------------------------------------------- by tables, columns and keys
const { data: keys } = await client
  .from('todos')
  .select('a:users!todos_owner_id_fkey(name), b:owner_id(name), c:users!reviewer_id(name), d:users!owner(name), projects(name)')
  .eq('id', dig.id)
  .single()
  .throwOnError()
const byColumn: { name: string } | null = keys.c
const byTable: { name: string } | null = keys.projects
holds(keys.a.name === 'Bea' && keys.b.name === 'Bea' && byColumn === null && byTable === null)

const { data: person } = await client
  .from('users')
  .select('name, profiles(bio), todos!todos_reviewer_id_fkey(title), written!inner(count)')
  .single()
  .throwOnError()
const profile: { bio: string } | null = person.profiles
const reviewed: { title: string }[] = person.todos
holds(profile?.bio === 'Gardener' && reviewed[0]?.title === 'Plan' && person.written[0]?.count === 2)

const { data: spread } = await client
  .from('todos')
  .select('who:owner(address:email), ...reviewer!inner(reviewer_name:name)')
  .eq('who.name', 'Bea')
  .single()
  .throwOnError()
const address: string | undefined = spread.who.address
holds(spread.reviewer_name === 'Bea' && address === 'bea@example.com')

console.log('all of it holds')

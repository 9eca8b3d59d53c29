// Reading, writing and calling, as an app does it. It compiles, and it runs: what the types say is what the server does.
import { createClient } from '@supabase/supabase-js'
import type { Database, Enums, Tables, TablesInsert, TablesUpdate } from './database.types.ts'

declare const process: { env: { BACKROOM_URL: string } }

function holds(condition: boolean): asserts condition {
  if (!condition) throw new Error('this should hold')
}

const client = createClient<Database>(process.env.BACKROOM_URL, 'sb_publishable_anything', { auth: { persistSession: false } })

// ---------------------------------------------------------------- signed out
const message: TablesInsert<'messages'> = { text: 'hello', sent: new Date().toISOString() }
await client.from('messages').insert(message).throwOnError()
const { data: sum } = await client.rpc('add', { a: 1, b: 2 }).throwOnError()
holds(sum.toFixed() === '3')
holds((await client.rpc('add', { a: 1 }).throwOnError()).data === 2)
const { data: nearest } = await client.rpc('nearest', { street: 'Rue de la Paix' }).throwOnError()
holds(nearest.city.length > 0)

// ---------------------------------------------------------------- rows
const { data: signedUp } = await client.auth.signUp({ email: 'ann@example.com', password: 'plum-orbit-lantern-42' })
const me = signedUp.user?.id ?? ''
const { data: made } = await client
  .from('todos')
  .insert({ title: 'Buy milk', price: '49.90', place: { street: 'Rue de la Paix' }, labels: ['home'], pin: '1234', owner_id: me, extra: { a: [1] } })
  .select()
  .single()
  .throwOnError()
const todo: Tables<'todos'> = made
const size: Enums<'Size'> = todo.size
holds(size === 'small' && todo.state === 'open' && todo.price.startsWith('49.9'))
holds(todo.place?.city === 'Paris' && todo.labels[0] === 'home' && todo.due === null && todo.cost === undefined)
holds(new Date(todo.created_at).getTime() > 0 && !('pin' in todo) && !('secret' in todo))
await client.from('todos').insert([{ title: 'Walk', size: 'large' }, { title: 'Run', size: 'small' }]).throwOnError()

// A row that was read goes back whole.
const { data: done } = await client.from('todos').update({ ...todo, done: true }).eq('id', todo.id).select('title, done').single().throwOnError()
holds(done.done && done.title.length === 8)
const change: TablesUpdate<'todos'> = { due: '2026-12-01', state: 'closed', place: null }
await client.from('todos').update(change).eq('id', todo.id).throwOnError()
const { data: moved } = await client.from('todos').upsert({ id: todo.id, title: 'Buy oat milk' }).select('title, due').single().throwOnError()
holds(moved.title.endsWith('oat milk') && moved.due === '2026-12-01')

const { data: tag } = await client.from('tags').upsert({ name: 'home' }, { onConflict: 'name' }).select().single().throwOnError()
await client.from('tags_on_todos').insert({ todo_id: todo.id, tag_id: tag.id }).throwOnError()
await client.from('countries').insert({ id: 'FR', name: 'France' }).throwOnError()

// ---------------------------------------------------------------- lists and functions
const { data: open } = await client.from('todos').select('title, size').eq('state', 'open').neq('size', 'small').order('title').throwOnError()
holds(open.map((each) => each.title.toUpperCase()).join() === 'WALK')
const { data: stats } = await client.rpc('stats').throwOnError()
holds(stats['todos'] === 3)
const { data: due } = await client.rpc('due_in', { first: '2026-12-01' }).throwOnError()
holds(due[0]?.owner?.name === '' && due.length === 1)
holds((await client.rpc('forget').throwOnError()).data === null)
const { data: nobody } = await client.from('todos').select('title').eq('id', 0).maybeSingle().throwOnError()
holds(nobody === null)

console.log('all of it holds')

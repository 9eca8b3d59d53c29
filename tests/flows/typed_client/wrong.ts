// Every line that says so must fail, and no other.
import { createClient } from '@supabase/supabase-js'
import type { Database, Enums, Tables, TablesInsert } from './database.types.ts'

const client = createClient<Database>('http://localhost:8000', 'sb_publishable_anything')
const row = {} as Tables<'todos'>

// ---------------------------------------------------------------- tables
client.from('todoes') // must fail
client.from('audits') // must fail: code only
type Unknown = Tables<'audits'> // must fail

// ---------------------------------------------------------------- reading
client.from('todos').select().eq('titel', 'x') // must fail
client.from('todos').select().eq('id', '1') // must fail
client.from('todos').select().eq('price', 49.9) // must fail: Decimal is text
client.from('todos').select().eq('state', 'gone') // must fail
client.from('todos').select().in('size', ['small', 'huge']) // must fail
client.from('todos').select().eq('secret', 'x') // must fail: hidden
client.from('todos').select().eq('pin', 'x') // must fail: write_only
const { data } = await client.from('todos').select('*, owner(name), reviewer(name), project(name), children(title)').single().throwOnError()
data.titel // must fail
data.secret // must fail
data.pin // must fail
data.cost.length // must fail: not everybody sees it
data.due.length // must fail: may be empty
data.price.toFixed() // must fail: Decimal is text
data.created_at.getTime() // must fail: text, too
data.place.street // must fail: may be empty
data.place?.town // must fail
data.labels.toFixed() // must fail
data.owner.titel // must fail
data.reviewer.name // must fail: may be empty
data.project.name // must fail: not everybody sees it
data.children.title // must fail: several
const { data: wrong } = await client.from('todos').select('titel, users(name), nothing(name)').single().throwOnError()
wrong.titel // must fail
const { data: unclear } = await client.from('todos').select('users(name), nothing(name)').single().throwOnError()
unclear.users.name // must fail: owner or reviewer?
unclear.nothing.name // must fail
const { data: sent } = await client.from('messages').insert({ text: 'x' }).select().single().throwOnError()
sent.text // must fail: nobody reads messages

// ---------------------------------------------------------------- writing
client.from('todos').insert({}) // must fail: no title
client.from('todos').insert([{ title: 'x' }, { done: true }]) // must fail
client.from('todos').insert({ title: 'x', titel: 'x' }) // must fail
client.from('todos').insert({ title: 1 }) // must fail
client.from('todos').insert({ title: null }) // must fail
client.from('todos').insert({ title: 'x', price: 49.9 }) // must fail
client.from('todos').insert({ title: 'x', due: new Date() }) // must fail
client.from('todos').insert({ title: 'x', size: 'huge' }) // must fail
client.from('todos').insert({ title: 'x', state: 'gone' }) // must fail
client.from('todos').insert({ title: 'x', place: { city: 'Paris' } }) // must fail: no street
client.from('todos').insert({ title: 'x', labels: [1] }) // must fail
client.from('todos').insert({ title: 'x', secret: 'x' }) // must fail
client.from('todos').insert({ title: 'x', views: 1 }) // must fail: read_only
client.from('todos').insert({ title: 'x', created_at: row.created_at }) // must fail: the server sets it
client.from('todos').insert({ title: 'x', owner: 'x' }) // must fail: it is owner_id
client.from('todos').upsert({ id: 1 }) // must fail: no title
client.from('todos').update({ titel: 'x' }) // must fail
client.from('todos').update({ done: 'yes' }) // must fail
client.from('todos').update({ title: null }) // must fail
client.from('todos').update({ secret: 'x' }) // must fail
client.from('todos').update({ ...row, titel: 'x' }) // must fail
client.from('users').insert({ name: 'x' }) // must fail: people sign up
client.from('countries').insert({ name: 'France' }) // must fail: clients choose the id
client.from('countries').update({ name: 'France' }) // must fail: nobody may
client.from('memberships').insert({ project_id: '1', user_id: 'x' }) // must fail
const insert: TablesInsert<'todos'> = { title: 'x', titel: 'x' } // must fail
const size: Enums<'Size'> = 'huge' // must fail

// ---------------------------------------------------------------- functions
client.rpc('ad') // must fail
client.rpc('add', { a: '1' }) // must fail
client.rpc('add', { b: 1 }) // must fail: no a
client.rpc('stats', { since: 1 }) // must fail: it takes nothing
client.rpc('nearest', { strasse: 'x' }) // must fail
client.rpc('due_in', { first: new Date() }) // must fail
client.rpc('owner', { '': row }) // must fail: a relation
const { data: sum } = await client.rpc('add', { a: 1 }).throwOnError()
sum.length // must fail
const { data: due } = await client.rpc('due_in', { first: '2026-12-01' }).throwOnError()
due[0]?.titel // must fail
due[0]?.owner.name // must fail: only if the code loaded it

export { insert, size }
export type { Unknown }

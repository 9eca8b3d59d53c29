import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KEY, URL_OF_SERVER, api, data, device, person, tab } from './client.mjs'

test('a todo that is created with the bearer token belongs to that person', async () => {
  const [ann, bob] = [await person(), await person()]
  const { access_token: token } = data(await ann.auth.getSession()).session
  const made = await api('/api/todos', { token, method: 'POST', body: { title: 'Buy milk' } })
  assert.equal(made.status, 201)
  assert.equal(made.body.owner_id, ann.user.id)
  assert.deepEqual((await api('/api/todos', { token })).body.map(({ title }) => title), ['Buy milk'])
  assert.deepEqual((await api('/api/todos', { token: bob.session.access_token })).body, [])
  assert.equal((await api(`/api/todos/${made.body.id}`, { token: bob.session.access_token })).status, 404)
  const phone = await device(ann)
  assert.equal((await api(`/api/todos/${made.body.id}`, { token: phone.session.access_token })).status, 200)
})

test('a request with nothing but the apikey is anonymous', async () => {
  const ann = await person()
  for (const note of [{ title: 'Wi-Fi', public: true }, { title: 'Diary' }]) {
    assert.equal((await api('/api/notes', { token: ann.session.access_token, method: 'POST', body: note })).status, 201)
  }
  for (const token of [undefined, KEY]) {
    const notes = await api('/api/notes', { token })
    assert.equal(notes.status, 200)
    assert.ok(notes.body.some(({ owner_id, title }) => owner_id === ann.user.id && title === 'Wi-Fi'))
    assert.equal(notes.body.some(({ public: open }) => !open), false)
    const todos = await api('/api/todos', { token })
    assert.deepEqual([todos.status, todos.body.code], [401, 'auth.required'])
  }
  assert.equal((await api('/api/notes', { token: 'another-key' })).status, 401)
})

const ASKED = 'apikey,authorization,content-type,x-client-info,x-supabase-api-version'

function preflight(path, origin, headers = ASKED) {
  return fetch(URL_OF_SERVER + path, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': headers },
  })
}

test('a page of a listed origin may send the headers of the client and read its error codes', async () => {
  const origin = process.env.LISTED_ORIGIN
  for (const path of ['/auth/v1/user', '/auth/v1/token?grant_type=password', '/api/todos', '/rest/v1/todos']) {
    const reply = await preflight(path, origin, `${ASKED},accept-profile,content-profile,prefer,range,x-retry-count,traceparent`)
    assert.equal(reply.status, 204)
    assert.equal(reply.headers.get('access-control-allow-origin'), origin)
    assert.match(reply.headers.get('access-control-allow-methods'), /PUT/)
    const allowed = reply.headers.get('access-control-allow-headers').split(/,\s*/)
    for (const name of [...ASKED.split(','), 'accept-profile', 'traceparent']) assert.ok(allowed.includes(name), name)
  }
  const reply = await fetch(`${URL_OF_SERVER}/auth/v1/user`, { headers: { origin } })
  assert.equal(reply.status, 401)
  assert.match(reply.headers.get('access-control-expose-headers'), /x-supabase-api-version/i)
  assert.equal(reply.headers.get('access-control-allow-origin'), origin)
})

test('a page of any other origin may not', async () => {
  const reply = await preflight('/auth/v1/user', 'https://evil.example.org')
  assert.equal(reply.headers.get('access-control-allow-origin'), null)
  assert.equal(reply.headers.get('access-control-allow-headers'), null)
})

test('rows are read, created, changed, put and deleted at /rest/v1, each person their own', async () => {
  const [ann, bob] = [await person(), await person()]
  const todos = ann.from('todos')
  const made = await todos.insert([{ title: 'Buy milk' }, { title: 'Buy tea', done: true }]).select()
  assert.deepEqual([made.status, made.data.map(({ title, done }) => [title, done])], [201, [['Buy milk', false], ['Buy tea', true]]])
  const id = made.data[0].id
  assert.deepEqual((await todos.insert({ title: 'Quiet' })), { data: null, error: null, count: null, status: 201, statusText: 'Created', ...(('success' in made) ? { success: true } : {}) })
  const one = await todos.select('id, title').eq('id', id).single()
  assert.deepEqual(one.data, { id, title: 'Buy milk' })
  assert.deepEqual((await todos.select('title').ilike('title', '%MILK%')).data, [{ title: 'Buy milk' }])
  assert.deepEqual((await todos.select('title').in('title', ['Buy tea', 'Quiet']).order('title', { ascending: false })).data, [{ title: 'Quiet' }, { title: 'Buy tea' }])
  const counted = await todos.select('*', { count: 'exact' }).order('id').range(0, 1)
  assert.deepEqual([counted.status, counted.count, counted.data.length], [206, 3, 2])
  assert.deepEqual((await todos.select('*', { count: 'exact', head: true })).count, 3)
  assert.deepEqual((await bob.from('todos').select()).data, [])
  assert.deepEqual((await todos.select().eq('id', 999999).maybeSingle()).data, null)
  assert.equal((await todos.select().eq('id', 999999).single()).error.code, 'PGRST116')
  const changed = await todos.update({ done: true }).eq('id', id).select().single()
  assert.equal(changed.data.done, true)
  assert.deepEqual((await bob.from('todos').update({ done: false }).eq('id', id).select()).data, [])
  assert.equal((await todos.update({ done: true }).neq('id', 0).select().single()).error.code, 'PGRST116')
  assert.equal((await todos.upsert({ id, title: 'Buy oat milk' }).select('title').single()).data.title, 'Buy oat milk')
  assert.equal((await todos.delete()).error.code, '21000')
  assert.equal((await todos.delete().eq('id', id)).status, 204)
  assert.equal((await todos.select()).data.length, 2)
})

test('what is refused is told in the codes that the client knows', async () => {
  const [ann, nobody] = [await person(), tab()]
  const todos = ann.from('todos')
  assert.deepEqual([(await nobody.from('todos').select()).data, (await nobody.from('todos').select()).status], [[], 200])
  for (const [asked, status, code] of [
    [nobody.from('todos').insert({ title: 'x' }), 401, '42501'],
    [todos.insert({}), 400, '23502'],
    [todos.insert({ title: ' ' }), 400, '23514'],
    [todos.insert({ title: 'x', zzz: 1 }), 400, 'PGRST204'],
    [todos.select('zzz'), 400, '42703'],
    [todos.select().eq('id', 'x'), 400, '22P02'],
    [ann.from('zzz').select(), 404, 'PGRST205'],
    [ann.rpc('zzz', {}), 404, 'PGRST202'],
  ]) {
    const { data: rows, error, status: told } = await asked
    assert.deepEqual([rows, told, error.code], [null, status, code])
    assert.ok(error.message.length > 5 && 'details' in error && 'hint' in error)
  }
})

test('files and functions are not there yet either', async () => {
  const client = await person()
  const listed = await client.storage.listBuckets()
  assert.deepEqual([listed.error.name, listed.error.status], ['StorageApiError', 404])
  const called = await client.functions.invoke('anything')
  assert.deepEqual([called.error.name, called.error.context.status], ['FunctionsHttpError', 404])
})

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

test('rows at /rest/v1 are not there yet: a 404 that the client can read, signed in or out', async () => {
  for (const client of [tab(), await person()]) {
    const results = [
      await client.from('todos').select(),
      await client.from('todos').select('*').eq('done', false).maybeSingle(),
      await client.from('todos').select('id, title').single(),
      await client.from('todos').insert({ title: 'Buy milk' }).select(),
      await client.from('todos').update({ done: true }).eq('id', 1),
      await client.from('todos').upsert({ id: 1, title: 'Buy milk' }),
      await client.from('todos').delete().eq('id', 1),
      await client.rpc('anything', { a: 1 }),
    ]
    for (const { data: rows, error, status } of results) {
      assert.deepEqual([rows, status, error.code], [null, 404, 'http.not_found'])
      assert.ok(error.message.length > 5)
      assert.ok('details' in error && 'hint' in error)
    }
  }
})

test('files and functions are not there yet either', async () => {
  const client = await person()
  const listed = await client.storage.listBuckets()
  assert.deepEqual([listed.error.name, listed.error.status], ['StorageApiError', 404])
  const called = await client.functions.invoke('anything')
  assert.deepEqual([called.error.name, called.error.context.status], ['FunctionsHttpError', 404])
})

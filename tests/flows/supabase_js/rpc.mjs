import assert from 'node:assert/strict'
import { test } from 'node:test'
import { data, person, tab } from './client.mjs'

test('a function is asked by GET with its arguments in the address', async () => {
  const client = tab()
  const args = { text: 'a b&c', number: 7, flag: true, words: ['x', 'y'], left_out: undefined }
  const posted = data(await client.rpc('echo', args))
  const asked = data(await client.rpc('echo', args, { get: true }))
  assert.deepEqual(asked, { text: 'a b&c', number: 7, flag: true, words: ['x', 'y'] })
  assert.deepEqual(posted, asked)
  assert.match(client.requests.at(-1), /^GET \/rest\/v1\/rpc\/echo\?text=/)
  const wrong = await client.rpc('echo', { text: 'a', number: 'x' }, { get: true })
  assert.deepEqual([wrong.status, wrong.error.code], [400, '22P02'])
})

test('a function is asked by HEAD for its status alone', async () => {
  const { data: nothing, error, status } = await tab().rpc('echo', { text: 'a' }, { head: true })
  assert.deepEqual([nothing, error, status], [null, null, 200])
})

test('what a function would change by GET is refused with the code of a read-only transaction', async () => {
  const ann = await person()
  const refused = await ann.rpc('add_note', { title: 'x' }, { get: true })
  assert.deepEqual([refused.data, refused.status, refused.error.code], [null, 405, '25006'])
  assert.deepEqual(data(await ann.from('notes').select()), [])
  assert.equal(data(await ann.rpc('add_note', { title: 'x' })).title, 'x')
  assert.equal(data(await ann.rpc('titles', {}, { get: true })).length, 1)
})

test('a row is replaced by its key', async () => {
  const ann = await person()
  const { id } = data(await ann.from('notes').insert({ title: 'x' }).select().single())
  const token = ann.session.access_token
  const put = (query, body, headers = {}) =>
    fetch(`${process.env.BACKROOM_URL}/rest/v1/notes?${query}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  assert.equal((await put(`id=eq.${id}`, { title: 'y' })).status, 204)
  assert.deepEqual(await (await put(`id=eq.${id}&select=title`, { id, title: 'z' }, { prefer: 'return=representation' })).json(), [{ title: 'z' }])
  const refused = await put('title=eq.z', { title: 'y' })
  assert.deepEqual([refused.status, (await refused.json()).code], [405, 'PGRST105'])
})

// `textSearch` over a field that is kept for search.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { data, person } from './client.mjs'

test('words are searched as the client asks, and what has no answer here is refused', async () => {
  const notes = (await person()).from('notes')
  data(await notes.insert([{ title: 'Buy fresh Milk' }, { title: 'Crème fraîche' }, { title: 'Milky tea' }]))
  const found = async (words, options) => data(await notes.select('title').textSearch('title', words, options).order('id')).map(({ title }) => title)
  assert.deepEqual(await found('milk'), ['Buy fresh Milk'])
  assert.deepEqual(await found("'fresh' & 'milk'"), ['Buy fresh Milk'])
  assert.deepEqual(await found('mil:*'), ['Buy fresh Milk', 'Milky tea'])
  assert.deepEqual(await found('milk, fresh!', { type: 'plain' }), ['Buy fresh Milk'])
  assert.deepEqual(await found('creme', { type: 'websearch', config: 'simple' }), ['Crème fraîche'])
  assert.deepEqual(data(await notes.select('title').not('title', 'plfts', 'milk').order('id')).length, 2)
  const refused = await notes.select('title').textSearch('title', 'milks', { type: 'plain', config: 'english' })
  assert.deepEqual([refused.status, refused.error.message.includes('leave out the config `english`')], [400, true])
  assert.equal((await notes.select('title').textSearch('title', 'fresh milk', { type: 'phrase' })).status, 400)
})

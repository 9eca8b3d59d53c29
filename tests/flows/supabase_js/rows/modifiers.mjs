import assert from 'node:assert/strict'
import { answer, refuses, rows, works } from './checks.mjs'
import { ann, nobody } from './world.mjs'

const books = nobody.from('books')
const titles = async (builder) => (await rows(builder)).map(({ title }) => title)

works('order', 'up, down, by two columns', async () => {
  assert.deepEqual(await titles(books.select('title').order('pages')), ['Harbor', 'Quiet, please', 'Thaw', 'Inland', 'Frost'])
  assert.deepEqual(await titles(books.select('title').order('kind').order('pages', { ascending: false }).limit(2)), ['Harbor', 'Frost'])
})
works('order', 'nullsFirst', async () => {
  assert.deepEqual(await titles(books.select('title').order('published', { nullsFirst: true }).limit(2)), ['Quiet, please', 'Frost'])
  assert.deepEqual(await titles(books.select('title').order('published', { ascending: false, nullsFirst: false }).limit(1)), ['Inland'])
  assert.deepEqual(await titles(books.select('title').order('published', { ascending: false }).limit(1)), ['Quiet, please'])
})
works('order', 'referencedTable', async () => {
  const asked = nobody.from('authors').select('name, books(title)').order('title', { referencedTable: 'books', ascending: false }).eq('name', 'Aino')
  assert.deepEqual(await rows(asked), [{ name: 'Aino', books: [{ title: 'Thaw' }, { title: 'Frost' }] }])
})
works('order', 'by a column of a relation to one row', async () => {
  assert.deepEqual((await titles(books.select('title, author(name)').order('author(name)', { ascending: false }).order('title')))[0], 'Harbor')
})
works('limit', 'rows', async () => {
  assert.deepEqual(await titles(books.select('title').order('id').limit(1)), ['Frost'])
  assert.deepEqual(await titles(books.select('title').limit(0)), [])
})
works('limit', 'referencedTable', async () => {
  const asked = nobody.from('authors').select('name, books(title)').eq('name', 'Ben').order('id', { referencedTable: 'books' }).limit(1, { referencedTable: 'books' })
  assert.deepEqual(await rows(asked), [{ name: 'Ben', books: [{ title: 'Harbor' }] }])
})
works('range', 'rows, both ends among them', async () => {
  const { data, count } = await answer(books.select('title', { count: 'exact' }).order('id').range(1, 2))
  assert.deepEqual([data, count], [[{ title: 'Thaw' }, { title: 'Harbor' }], 5])
  assert.deepEqual(await rows(books.select('title').range(100, 110)), [])
})
works('range', 'referencedTable', async () => {
  const asked = nobody.from('authors').select('name, books(title)').eq('name', 'Ben').order('id', { referencedTable: 'books' }).range(1, 1, { referencedTable: 'books' })
  assert.deepEqual(await rows(asked), [{ name: 'Ben', books: [{ title: 'Inland' }] }])
})
works('single', 'one row', async () => {
  assert.deepEqual(await rows(books.select('title, author(name)').eq('isbn', 'b-1').single()), { title: 'Frost', author: { name: 'Aino' } })
})
works('maybeSingle', 'one row, or none', async () => {
  assert.deepEqual(await rows(books.select('title').eq('isbn', 'b-1').maybeSingle()), { title: 'Frost' })
  assert.equal(await rows(books.select('title').eq('isbn', 'b-0').maybeSingle()), null)
})
works('csv', 'lines under a line of names', async () => {
  const text = await rows(books.select('title, pages, in_print').gt('pages', 90).order('id').limit(5).csv())
  assert.deepEqual(text.trimEnd().split('\n'), ['title,pages,in_print', 'Frost,310,true', 'Thaw,240,true', 'Inland,250,true', '"Quiet, please",160,true'])
})
works('returns', 'what TypeScript is told', async () => {
  assert.deepEqual(await rows(books.select('title').eq('isbn', 'b-1').returns()), [{ title: 'Frost' }])
})
works('overrideTypes', 'what TypeScript is told', async () => {
  assert.deepEqual(await rows(books.select('title').eq('isbn', 'b-1').single().overrideTypes()), { title: 'Frost' })
})
works('abortSignal', 'a request that is called off', async () => {
  const stop = new AbortController()
  stop.abort()
  const { data, error } = await books.select().abortSignal(stop.signal)
  assert.equal(data, null)
  assert.match(error.message, /AbortError/)
  assert.equal((await rows(books.select('title').abortSignal(new AbortController().signal))).length, 5)
})
works('throwOnError', 'an exception instead of `error`', async () => {
  await assert.rejects(async () => void (await nobody.from('bucks').select().throwOnError()), { code: 'PGRST205' })
  assert.equal((await books.select('title').throwOnError()).data.length, 5)
})
works('setHeader', 'a header of one\'s own', async () => {
  assert.equal((await rows(books.select('title').setHeader('x-who', 'me'))).length, 5)
})
works('retry', 'off', async () => {
  assert.equal((await rows(books.select('title').retry(false))).length, 5)
})
works('stripNulls', 'no keys of empty columns', async () => {
  assert.deepEqual(await rows(books.select('title, published').eq('isbn', 'b-5').stripNulls()), [{ title: 'Quiet, please' }])
  assert.deepEqual(await rows(books.select('title, published').eq('isbn', 'b-5').stripNulls().single()), { title: 'Quiet, please' })
})
works('schema', '`public`, the only one', async () => {
  assert.equal((await rows(nobody.schema('public').from('books').select('title'))).length, 5)
})

refuses('single', 'no row', 406, 'PGRST116', () => books.select().eq('isbn', 'b-0').single())
refuses('single', 'two rows', 406, 'PGRST116', () => books.select().eq('author_id', 1).single())
refuses('maybeSingle', 'two rows (the client says so)', 406, 'PGRST116', () => books.select().eq('author_id', 1).maybeSingle())
refuses('range', 'behind the last row, counted', 416, 'PGRST103', () => books.select('*', { count: 'exact' }).range(100, 110))
refuses('order', 'a column that is not there', 400, '42703', () => books.select().order('titel'))
refuses('order', 'by a relation to many rows', 400, 'PGRST200', () => nobody.from('authors').select('name, books(title)').order('books(title)'))
refuses('schema', 'another one', 406, 'PGRST106', () => nobody.schema('private').from('books').select())
refuses('schema', 'another one, to write', 406, 'PGRST106', () => ann.schema('private').from('genres').insert({ name: 'x' }))
refuses('getOpenApiSpec', '(OpenAPI 3.1 is at `/openapi.json`)', 404, 'PGRST205', () => nobody.schema('public').getOpenApiSpec())
refuses('explain', '', 406, 'PGRST107', () => books.select().explain())
refuses('geojson', '', 406, 'PGRST107', () => books.select().geojson())
refuses('rollback', '', 400, 'PGRST122', () => ann.from('genres').insert({ name: 'never' }).select().rollback())

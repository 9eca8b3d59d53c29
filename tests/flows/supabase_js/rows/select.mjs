import assert from 'node:assert/strict'
import { answer, refuses, rows, works } from './checks.mjs'
import { ann, bob, nobody } from './world.mjs'

const books = nobody.from('books')

works('select', 'every column', async () => {
  const [first, ...rest] = await rows(books.select().order('id'))
  assert.equal(rest.length, 4)
  assert.deepEqual([first.title, first.pages, first.price, first.tags, first.in_print], ['Frost', 310, '12.50', ['winter', 'classic'], true])
})

works('select', 'some columns', async () => {
  assert.deepEqual(await rows(books.select('title, pages').eq('isbn', 'b-1')), [{ title: 'Frost', pages: 310 }])
})

works('select', 'a column under another name', async () => {
  assert.deepEqual(await rows(books.select('name:title').eq('isbn', 'b-1')), [{ name: 'Frost' }])
})

works('select', 'a cast', async () => {
  assert.deepEqual(await rows(books.select('pages::text').eq('isbn', 'b-1')), [{ pages: '310' }])
})

works('select', 'a value within JSON', async () => {
  const found = await rows(books.select('title, facts->>language, facts->size').eq('isbn', 'b-1'))
  assert.deepEqual(found, [{ title: 'Frost', language: 'fi', size: { cm: 21 } }])
})

works('select', 'a relation to one row', async () => {
  assert.deepEqual(await rows(books.select('title, author(name)').eq('isbn', 'b-1')), [{ title: 'Frost', author: { name: 'Aino' } }])
  assert.deepEqual(await rows(books.select('title, authors(name)').eq('isbn', 'b-1')), [{ title: 'Frost', authors: { name: 'Aino' } }])
})

works('select', 'a relation to many rows', async () => {
  const found = await rows(nobody.from('authors').select('name, books(title)').order('name'))
  assert.deepEqual(found[0], { name: 'Aino', books: [{ title: 'Frost' }, { title: 'Thaw' }] })
  assert.deepEqual(found[2], { name: 'Cleo', books: [] })
})

works('select', 'relations within relations', async () => {
  const [found] = await rows(ann.from('authors').select('name, books(title, loans(weeks, borrower(name)))').eq('name', 'Aino'))
  assert.deepEqual(found.books[0], { title: 'Frost', loans: [{ weeks: 3, borrower: { name: 'Bob' } }] })
})

works('select', 'many to many', async () => {
  const found = await rows(books.select('title, genres(name)').eq('isbn', 'b-1'))
  assert.deepEqual(found, [{ title: 'Frost', genres: [{ name: 'novel' }, { name: 'nature' }] }])
})

works('select', 'a relation under another name', async () => {
  assert.deepEqual(await rows(books.select('title, by:author(name)').eq('isbn', 'b-1')), [{ title: 'Frost', by: { name: 'Aino' } }])
})

works('select', 'one of two relations, by a hint', async () => {
  const wanted = [{ weeks: 3, lender: { name: 'Ann' }, borrower: { name: 'Bob' } }]
  assert.deepEqual(await rows(ann.from('loans').select('weeks, lender:users!lender_id(name), borrower:users!borrower_id(name)')), wanted)
  const named = 'weeks, lender:users!loans_lender_id_fkey(name), borrower:users!loans_borrower_id_fkey(name)'
  assert.deepEqual(await rows(ann.from('loans').select(named)), wanted)
})

works('select', '`!inner`', async () => {
  const found = await rows(nobody.from('authors').select('name, books!inner(title)').gt('books.pages', 300))
  assert.deepEqual(found, [{ name: 'Aino', books: [{ title: 'Frost' }] }])
})

works('select', 'a filter on a relation', async () => {
  const found = await rows(nobody.from('authors').select('name, books(title)').eq('books.title', 'Thaw').order('name').limit(2))
  assert.deepEqual(found, [{ name: 'Aino', books: [{ title: 'Thaw' }] }, { name: 'Ben', books: [] }])
})

works('select', 'rows that a relation leads from, or from nowhere', async () => {
  assert.deepEqual(await rows(nobody.from('authors').select('name, books()').is('books', null)), [{ name: 'Cleo' }])
  const found = await rows(nobody.from('authors').select('name, books()').not('books', 'is', null).order('name'))
  assert.deepEqual(found, [{ name: 'Aino' }, { name: 'Ben' }])
})

works('select', 'how many rows a relation has', async () => {
  assert.deepEqual(await rows(nobody.from('authors').select('name, books(count)').eq('name', 'Aino')), [{ name: 'Aino', books: [{ count: 2 }] }])
})

works('select', 'a spread relation', async () => {
  assert.deepEqual(await rows(books.select('title, ...author(by:name)').eq('isbn', 'b-1')), [{ title: 'Frost', by: 'Aino' }])
})

works('select', 'aggregates', async () => {
  const found = await rows(books.select('kind, pages.sum(), longest:pages.max(), count()').order('kind'))
  assert.deepEqual(found, [{ kind: 'audio', sum: 90, longest: 90, count: 1 }, { kind: 'paper', sum: 960, longest: 310, count: 4 }])
})

works('select', 'count: exact', async () => {
  const { count, data, status } = await answer(books.select('title', { count: 'exact' }).limit(2))
  assert.deepEqual([count, data.length, status], [5, 2, 206])
})

works('select', 'count: planned, estimated (both exact here)', async () => {
  for (const count of ['planned', 'estimated']) assert.equal((await answer(books.select('title', { count }))).count, 5)
})

works('select', 'head: true', async () => {
  const { count, data } = await answer(books.select('*', { count: 'exact', head: true }).eq('in_print', true))
  assert.deepEqual([count, data], [4, null])
})

works('select', 'only rows that rules show', async () => {
  const [hers, his, theirs] = [await rows(ann.from('notes').select()), await rows(bob.from('notes').select()), await rows(nobody.from('notes').select())]
  assert.deepEqual([hers, his, theirs].map((notes) => notes.map(({ slug }) => slug).sort()), [['ann-open', 'ann-own'], ['ann-open'], ['ann-open']])
  assert.deepEqual(await rows(nobody.from('loans').select()), [])
})

works('select', 'relations as far as rules show them', async () => {
  assert.deepEqual(await rows(books.select('title, loans(weeks)').eq('isbn', 'b-1')), [{ title: 'Frost', loans: [] }])
  assert.equal((await rows(bob.from('books').select('loans(weeks)').eq('isbn', 'b-1')))[0].loans.length, 1)
})

refuses('select', 'a table that is not there', 404, 'PGRST205', () => nobody.from('bucks').select())
refuses('select', 'a column that is not there', 400, '42703', () => books.select('titel'))
refuses('select', 'a relation that is not there', 400, 'PGRST200', () => books.select('title, publishers(name)'))
refuses('select', 'a relation that may be several', 300, 'PGRST201', () => ann.from('loans').select('weeks, users(name)'))
refuses('select', 'a text that is no selection', 400, 'PGRST100', () => books.select('title, author(name'))
refuses('select', 'aggregates that the resource does not offer', 400, 'PGRST123', () => nobody.from('authors').select('born.max()'))

import assert from 'node:assert/strict'
import { answer, refuses, rows, works } from './checks.mjs'
import { ann, bob, nobody, word } from './world.mjs'

works('rpc', 'without arguments', async () => assert.equal(await rows(nobody.rpc('greeting')), 'Hello, reader'))
works('rpc', 'with arguments', async () => assert.equal(await rows(nobody.rpc('greeting', { name: 'Ann' })), 'Hello, Ann'))
works('rpc', 'a list as argument', async () => assert.equal(await rows(nobody.rpc('pages_of', { ids: [1, 2] })), 550))
works('rpc', 'an object back', async () => {
  assert.deepEqual((await rows(ann.rpc('my_notes'))).notes > 1, true)
  assert.deepEqual(await rows(bob.rpc('my_notes')), { notes: 0 })
})
works('rpc', 'nothing back', async () => {
  const slug = word()
  await answer(ann.from('notes').insert({ slug, text: 'x' }))
  const { data, status } = await answer(ann.rpc('forget', { slug }))
  assert.deepEqual([data, status, await rows(ann.from('notes').select().eq('slug', slug))], [null, 204, []])
})
works('rpc', 'rows back', async () => {
  assert.deepEqual((await rows(nobody.rpc('books_by', { author: 'Aino' }))).map(({ title }) => title), ['Frost', 'Thaw'])
})
works('rpc', 'get: true', async () => {
  assert.equal(await rows(nobody.rpc('greeting', { name: 'Ann' }, { get: true })), 'Hello, Ann')
  assert.equal(await rows(nobody.rpc('pages_of', { ids: [1, 2] }, { get: true })), 550)
})
works('rpc', 'select, of the rows', async () => {
  assert.deepEqual(await rows(nobody.rpc('books_by', { author: 'Aino' }).select('title, author(name)')), [
    { title: 'Frost', author: { name: 'Aino' } },
    { title: 'Thaw', author: { name: 'Aino' } },
  ])
})
works('rpc', 'filters, order, limit, range, of the rows', async () => {
  const asked = () => nobody.rpc('books_by', { author: 'Ben' }).select('title')
  assert.deepEqual(await rows(asked().gt('pages', 100).order('title', { ascending: false })), [{ title: 'Quiet, please' }, { title: 'Inland' }])
  assert.deepEqual(await rows(asked().order('pages').limit(1)), [{ title: 'Harbor' }])
  assert.deepEqual(await rows(asked().range(1, 2)), [{ title: 'Inland' }, { title: 'Quiet, please' }])
  assert.deepEqual(await rows(nobody.rpc('books_by', { author: 'Ben' }, { get: true }).eq('isbn', 'b-3').select('title')), [{ title: 'Harbor' }])
})
works('rpc', 'single, maybeSingle, csv, of the rows', async () => {
  const asked = (isbn) => nobody.rpc('books_by', { author: 'Ben' }).select('title').eq('isbn', isbn)
  assert.deepEqual(await rows(asked('b-3').single()), { title: 'Harbor' })
  assert.equal(await rows(asked('b-1').maybeSingle()), null)
  assert.equal(await rows(asked('b-3').csv()), 'title\nHarbor\n')
})
works('rpc', 'count, head: true', async () => {
  const counted = await answer(nobody.rpc('books_by', { author: 'Ben' }, { get: true, count: 'exact' }).select('title').limit(1))
  assert.deepEqual([counted.count, counted.data.length], [3, 1])
  assert.equal((await answer(nobody.rpc('books_by', { author: 'Ben' }, { head: true, get: true, count: 'exact' }))).count, 3)
})

refuses('rpc', 'a function that is not there', 404, 'PGRST202', () => nobody.rpc('fly'))
refuses('rpc', 'an argument that is not there', 404, 'PGRST202', () => nobody.rpc('greeting', { nom: 'Ann' }))
refuses('rpc', 'an argument of another type', 400, '22P02', () => nobody.rpc('pages_of', { ids: 'all' }))
refuses('rpc', 'signed out', 401, '42501', () => nobody.rpc('my_notes'))
refuses('rpc', 'a column that the rows have not', 400, '42703', () => nobody.rpc('books_by', { author: 'Ben' }).select('titel'))
refuses('rpc', 'filters, where no rows come back', 400, 'PGRST100', () => nobody.rpc('greeting').eq('title', 'x'))
refuses('rpc', 'get: true, of what writes', 405, '25006', () => ann.rpc('forget', { slug: 'x' }, { get: true }))

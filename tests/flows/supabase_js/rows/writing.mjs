import assert from 'node:assert/strict'
import { answer, refuses, rows, works } from './checks.mjs'
import { ann, bob, nobody, word } from './world.mjs'

const notes = ann.from('notes')
const made = async (more = {}) => rows(notes.insert({ slug: word(), text: 'Once', ...more }).select().single())
const textOf = async (slug) => (await rows(notes.select('text').eq('slug', slug).maybeSingle()))?.text

works('insert', 'one row, nothing back', async () => {
  const slug = word()
  const { data, status } = await answer(notes.insert({ slug, text: 'Milk' }))
  assert.deepEqual([data, status, await textOf(slug)], [null, 201, 'Milk'])
})
works('insert', 'one row, and what became of it', async () => {
  const row = await rows(notes.insert({ slug: word(), text: 'Tea' }).select().single())
  assert.deepEqual([row.text, row.stars, row.public, row.writer_id], ['Tea', 0, false, ann.user.id])
  assert.ok(row.id && row.created_at)
})
works('insert', 'many rows, all or none', async () => {
  const [one, two, three] = [word(), word(), word()]
  assert.deepEqual(await rows(notes.insert([{ slug: one, text: 'a' }, { slug: two, text: 'b', stars: 5 }]).select('text, stars')), [{ text: 'a', stars: 0 }, { text: 'b', stars: 5 }])
  assert.equal((await notes.insert([{ slug: three, text: 'c' }, { slug: one, text: 'd' }])).error.code, '23505')
  assert.equal(await textOf(three), undefined)
})
works('insert', 'count', async () => {
  const { count } = await answer(notes.insert([{ slug: word(), text: 'a' }, { slug: word(), text: 'b' }], { count: 'exact' }))
  assert.equal(count, 2)
})
works('insert', 'defaultToNull: false', async () => {
  const put = [{ slug: word(), text: 'a', stars: 3 }, { slug: word(), text: 'b' }]
  assert.deepEqual(await rows(notes.insert(put, { defaultToNull: false }).select('stars')), [{ stars: 3 }, { stars: 0 }])
})
works('insert', 'the row with its relations', async () => {
  const row = await rows(ann.from('books').insert({ title: 'New', isbn: word(), author_id: 3 }).select('title, author(name)').single())
  assert.deepEqual(row, { title: 'New', author: { name: 'Cleo' } })
  await answer(ann.from('books').delete().eq('title', 'New'))
})
works('insert', 'a list, JSON, a date, a decimal', async () => {
  const whole = { tags: ['a', 'b "c"'], facts: { deep: [1, { x: null }] }, published: '2026-01-31', price: '0.10', kind: 'audio' }
  const row = await rows(ann.from('books').insert({ title: 'Whole', isbn: word(), author_id: 3, ...whole }).select(Object.keys(whole).join()).single())
  assert.deepEqual(row, whole)
  await answer(ann.from('books').delete().eq('title', 'Whole'))
})
works('update', 'rows that a filter finds, nothing back', async () => {
  const { slug } = await made()
  const { data, status } = await answer(notes.update({ text: 'Twice' }).eq('slug', slug))
  assert.deepEqual([data, status, await textOf(slug)], [null, 204, 'Twice'])
})
works('update', 'and what became of them', async () => {
  const { slug } = await made()
  assert.deepEqual(await rows(notes.update({ stars: 4 }).eq('slug', slug).select('text, stars')), [{ text: 'Once', stars: 4 }])
  assert.deepEqual(await rows(notes.update({ stars: 5 }).eq('slug', word()).select()), [])
  assert.deepEqual(await rows(notes.update({ stars: 5 }).eq('slug', slug).select('stars').single()), { stars: 5 })
})
works('update', 'count', async () => {
  const [one, two] = [await made(), await made()]
  assert.equal((await answer(notes.update({ stars: 1 }, { count: 'exact' }).in('slug', [one.slug, two.slug]))).count, 2)
})
works('update', 'rows that are not yours stay as they are', async () => {
  const { slug } = await made({ public: true })
  assert.deepEqual(await rows(bob.from('notes').update({ text: 'Mine' }).eq('slug', slug).select()), [])
  assert.equal(await textOf(slug), 'Once')
})
works('upsert', 'by the key', async () => {
  const { id } = await made()
  assert.deepEqual(await rows(notes.upsert({ id, text: 'Again' }).select('id, text').single()), { id, text: 'Again' })
})
works('upsert', 'onConflict', async () => {
  const slug = word()
  assert.equal((await answer(notes.upsert({ slug, text: 'One' }, { onConflict: 'slug' }))).status, 201)
  assert.equal((await answer(notes.upsert({ slug, text: 'Two' }, { onConflict: 'slug' }))).status, 200)
  assert.equal(await textOf(slug), 'Two')
})
works('upsert', 'onConflict, two columns', async () => {
  const put = { book_id: 1, genre_id: 3 }
  const [one] = await rows(ann.from('book_genres').upsert(put, { onConflict: 'book_id,genre_id' }).select('id'))
  assert.deepEqual(await rows(ann.from('book_genres').upsert(put, { onConflict: 'book_id, genre_id' }).select('id')), [one])
  await answer(ann.from('book_genres').delete().match(put))
})
works('upsert', 'ignoreDuplicates', async () => {
  const { slug } = await made()
  const put = [{ slug, text: 'Two' }, { slug: word(), text: 'New' }]
  assert.deepEqual(await rows(notes.upsert(put, { onConflict: 'slug', ignoreDuplicates: true }).select('text')), [{ text: 'New' }])
  assert.equal(await textOf(slug), 'Once')
})
works('upsert', 'many rows', async () => {
  const { slug } = await made()
  const put = [{ slug, text: 'Two' }, { slug: word(), text: 'New' }]
  assert.deepEqual(await rows(notes.upsert(put, { onConflict: 'slug' }).select('text')), [{ text: 'Two' }, { text: 'New' }])
})
works('delete', 'rows that a filter finds, nothing back', async () => {
  const { slug } = await made()
  const { data, status } = await answer(notes.delete().eq('slug', slug))
  assert.deepEqual([data, status, await textOf(slug)], [null, 204, undefined])
})
works('delete', 'and what they were', async () => {
  const { id } = await made()
  assert.deepEqual(await rows(notes.delete().eq('id', id).select('id, text')), [{ id, text: 'Once' }])
})
works('delete', 'count', async () => {
  const [one, two] = [await made(), await made()]
  assert.equal((await answer(notes.delete({ count: 'exact' }).in('id', [one.id, two.id]))).count, 2)
})
works('delete', 'rows that are not yours stay', async () => {
  const { id, slug } = await made({ public: true })
  assert.deepEqual(await rows(bob.from('notes').delete().eq('id', id).select()), [])
  assert.equal(await textOf(slug), 'Once')
})
works('maxAffected', 'as many rows as are meant', async () => {
  const { slug } = await made()
  assert.equal((await answer(notes.update({ stars: 2 }).eq('slug', slug).maxAffected(1))).status, 204)
})

refuses('insert', 'signed out', 401, '42501', () => nobody.from('notes').insert({ text: 'x' }))
refuses('insert', 'a row in somebody else\'s name', 400, '428C9', () => bob.from('notes').insert({ text: 'x', writer_id: ann.user.id }))
refuses('insert', 'what is taken', 409, '23505', async () => notes.insert({ slug: (await made()).slug, text: 'x' }))
refuses('insert', 'without a required column', 400, '23502', () => notes.insert({ slug: word() }))
refuses('insert', 'what a check forbids', 400, '23514', () => notes.insert({ text: 'x', stars: 6 }))
refuses('insert', 'a value of another type', 400, '22P02', () => notes.insert({ text: 'x', stars: 'many' }))
refuses('insert', 'a column that is not there', 400, 'PGRST204', () => notes.insert({ text: 'x', color: 'red' }))
refuses('insert', 'a reference to nothing', 409, '23503', () => ann.from('books').insert({ title: 'x', isbn: word(), author_id: 999 }))
refuses('update', 'without a filter', 400, '21000', () => notes.update({ stars: 1 }))
refuses('update', 'what is taken', 409, '23505', async () => notes.update({ slug: (await made()).slug }).eq('slug', (await made()).slug))
refuses('update', 'a column that the server sets', 400, '428C9', async () => notes.update({ created_at: '2020-01-01T00:00:00Z' }).eq('slug', (await made()).slug))
refuses('update', 'what rules forbid everybody', 403, '42501', () => ann.from('loans').update({ weeks: 9 }).eq('id', 1))
refuses('upsert', 'a row that is not yours', 409, '23505', async () => bob.from('notes').upsert({ slug: (await made({ public: true })).slug, text: 'Mine' }, { onConflict: 'slug' }))
refuses('upsert', 'columns that are not unique', 400, '42P10', () => notes.upsert({ text: 'x' }, { onConflict: 'text' }))
refuses('delete', 'without a filter', 400, '21000', () => notes.delete())
refuses('delete', 'what others refer to', 409, '23503', () => ann.from('authors').delete().eq('id', 1))
refuses('maxAffected', 'more rows than are meant', 400, 'PGRST124', async () => notes.update({ stars: 2 }).in('id', [(await made()).id, (await made()).id]).maxAffected(1))

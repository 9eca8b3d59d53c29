// A check is one use of one method of the client. What it saw goes to the file $SEEN, from which docs/supabase-js.md is made.
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { test } from 'node:test'

const tell = (seen) => appendFileSync(process.env.SEEN, `${JSON.stringify(seen)}\n`)

/** Checks of what one database can and the other can't. */
let database
export function on(name, checks) {
  if (process.env.DATABASE !== name) return
  database = name
  checks()
  database = undefined
}

/** The builder's answer, without its error, which there is none of. */
export async function answer(builder) {
  const result = await builder
  assert.equal(result.error, null, JSON.stringify(result.error))
  return result
}

/** The builder's rows. */
export const rows = async (builder) => (await answer(builder)).data

export function works(method, use, check) {
  const of = database
  test(`${method}: ${use}`, async () => {
    await check()
    tell({ method, use, database: of })
  })
}

/** `ask` returns a builder, whose error has this status and this code, in the shape that apps read, and no data beside it. */
export function refuses(method, use, status, code, ask) {
  const of = database
  test(`${method}: ${use}: ${code}`, async () => {
    const { data, error, status: told } = await ask()
    assert.ok(error, 'this should have been refused')
    assert.deepEqual([data ?? null, told, error.code], [null, status, code], JSON.stringify(error))
    assert.ok(error.message.length > 10 && 'details' in error && 'hint' in error)
    tell({ method, use, database: of, status, code, message: error.message })
  })
}

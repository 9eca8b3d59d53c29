// What every file here needs: clients with a memory of their own, and people.
import assert from 'node:assert/strict'
import { createClient } from '@supabase/supabase-js'

export const URL_OF_SERVER = process.env.BACKROOM_URL
export const KEY = 'sb_publishable_anything'
export const PASSWORD = 'plum-orbit-lantern-42'

/** A tab's storage. Two clients that are given the same one are two tabs of one browser. */
export function memory() {
  const kept = new Map()
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
    kept,
  }
}

/** A client as apps make it; `requests` collects the method and the path of all that it sends, `events` what it tells its page. */
export function tab({ storage = memory(), key = KEY, ...auth } = {}) {
  const requests = []
  const watched = (input, init) => {
    const address = new URL(input)
    requests.push(`${init?.method ?? 'GET'} ${address.pathname}${address.search}`)
    return fetch(input, init)
  }
  const client = createClient(URL_OF_SERVER, key, {
    auth: { storage, autoRefreshToken: false, detectSessionInUrl: false, ...auth },
    global: { fetch: watched },
  })
  const events = []
  client.auth.onAuthStateChange((event, session) => void events.push([event, session?.user?.email ?? null]))
  return Object.assign(client, { requests, events, memory: storage })
}

let people = 0
export const newEmail = (name = 'ann') => `${name}.${process.pid}.${(people += 1)}@example.com`

/** `result.data`, if there was no error. */
export function data(result) {
  assert.equal(result.error, null)
  return result.data
}

/** `result.error`, which is of this class and has this status and this code. */
export function refused(result, name, status, code) {
  assert.ok(result.error, 'this should have been refused')
  const { error } = result
  assert.deepEqual({ name: error.name, status: error.status, code: error.code }, { name, status, code })
  assert.ok(error.message.length > 5, error.message)
  return error
}

/** A tab of somebody who has just signed up. */
export async function person(options = {}) {
  const client = tab(options)
  const email = newEmail()
  const { session, user } = data(await client.auth.signUp({ email, password: PASSWORD }))
  assert.ok(session)
  return Object.assign(client, { email, user, session })
}

/** Another device of the same person. */
export async function device({ email }) {
  const client = tab()
  const { session } = data(await client.auth.signInWithPassword({ email, password: PASSWORD }))
  return Object.assign(client, { email, session })
}

/** Ask `/api` as an app does that holds a token. */
export async function api(path, { token, method = 'GET', body, headers = {} } = {}) {
  const reply = await fetch(URL_OF_SERVER + path, {
    method,
    headers: {
      apikey: KEY,
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body && JSON.stringify(body),
  })
  const text = await reply.text()
  return { status: reply.status, headers: reply.headers, body: text && JSON.parse(text) }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { api, data, device, person, refused, tab } from './client.mjs'

const ended = async (client) => refused(await client.auth.getUser(), 'AuthSessionMissingError', 400, undefined)
const goesOn = async (client) => assert.equal(data(await client.auth.getUser()).user.email, client.email)

/** Nothing that the session left behind works: neither its access token nor its refresh token. */
async function isDead({ access_token, refresh_token }) {
  assert.equal((await api('/api/todos', { token: access_token })).status, 401)
  refused(await tab().auth.refreshSession({ refresh_token }), 'AuthApiError', 400, 'refresh_token_not_found')
}

test('signOut ends every session of the person', async () => {
  const ann = await person()
  const phone = await device(ann)
  const bob = await person()
  assert.equal((await ann.auth.signOut()).error, null)
  assert.ok(ann.requests.includes('POST /auth/v1/logout?scope=global'))
  assert.deepEqual(ann.events.at(-1), ['SIGNED_OUT', null])
  assert.equal(data(await ann.auth.getSession()).session, null)
  await isDead(ann.session)
  await isDead(phone.session)
  await ended(phone)
  await goesOn(bob)
})

test('signOut local ends this session alone', async () => {
  const ann = await person()
  const phone = await device(ann)
  assert.equal((await ann.auth.signOut({ scope: 'local' })).error, null)
  await isDead(ann.session)
  await goesOn(phone)
  data(await phone.auth.refreshSession())
})

test('signOut others keeps this session alone', async () => {
  const ann = await person()
  const phone = await device(ann)
  assert.equal((await ann.auth.signOut({ scope: 'others' })).error, null)
  assert.equal(ann.events.some(([event]) => event === 'SIGNED_OUT'), false)
  await isDead(phone.session)
  await ended(phone)
  assert.deepEqual(phone.events.at(-1), ['SIGNED_OUT', null])
  await goesOn(ann)
})

test('signOut of what has ended already is no error', async () => {
  const ann = await person()
  const phone = await device(ann)
  await ann.auth.signOut()
  assert.equal((await ann.auth.signOut()).error, null)
  assert.equal((await phone.auth.signOut()).error, null)
  assert.equal((await tab().auth.signOut()).error, null)
})

test('onAuthStateChange tells a whole life in order', async () => {
  const ann = await person()
  data(await ann.auth.updateUser({ data: { name: 'Ann' } }))
  data(await ann.auth.refreshSession())
  await ann.auth.signOut()
  assert.deepEqual(
    ann.events.map(([event]) => event).filter((event) => event !== 'INITIAL_SESSION'),
    ['SIGNED_IN', 'USER_UPDATED', 'TOKEN_REFRESHED', 'SIGNED_OUT'],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PASSWORD, api, data, newEmail, person, refused, tab } from './client.mjs'

const signUp = (own) => tab().auth.signUp({ email: newEmail(), password: PASSWORD, options: { data: own } })

test('a field of the app that stands in data is set, and is metadata as well', async () => {
  const { user, session } = data(await signUp({ display_name: 'Ann', hobby: 'chess' }))
  assert.deepEqual(user.user_metadata, { display_name: 'Ann', hobby: 'chess' })
  const me = (await api('/api/account', { token: session.access_token })).body
  assert.deepEqual([me.display_name, me.plan, 'hobby' in me], ['Ann', 'free', false])
})

test('a field with a wrong value is refused naming it', async () => {
  assert.match(refused(await signUp({ display_name: 'x'.repeat(21) }), 'AuthApiError', 400, 'validation_failed').message, /display.name/i)
  refused(await signUp({ display_name: 5 }), 'AuthApiError', 400, 'validation_failed')
})

test('a field that people may not set is refused', async () => {
  assert.match(refused(await signUp({ plan: 'gold' }), 'AuthApiError', 403, 'validation_failed').message, /plan/)
})

test('many wrong passwords are over_request_rate_limit', async () => {
  const ann = await person()
  const guess = () => tab().auth.signInWithPassword({ email: ann.email, password: 'not-the-password-1' })
  for (let count = 0; count < 10; count += 1) refused(await guess(), 'AuthApiError', 400, 'invalid_credentials')
  refused(await guess(), 'AuthApiError', 429, 'over_request_rate_limit')
  assert.equal(data(await ann.auth.getUser()).user.id, ann.user.id)
})

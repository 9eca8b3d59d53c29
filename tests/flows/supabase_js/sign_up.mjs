import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PASSWORD, api, data, newEmail, person, refused, tab } from './client.mjs'

test('signUp gives a session and a user, and the page is told', async () => {
  const client = tab()
  const email = newEmail()
  const { user, session } = data(await client.auth.signUp({ email, password: PASSWORD }))
  assert.equal(user.email, email)
  assert.equal(user.aud, 'authenticated')
  assert.equal(user.role, 'authenticated')
  assert.equal(user.is_anonymous, false)
  assert.ok(user.email_confirmed_at)
  assert.deepEqual(user.app_metadata, { provider: 'email', providers: ['email'] })
  assert.deepEqual(user.user_metadata, {})
  assert.equal(user.identities[0].provider, 'email')
  assert.equal(user.identities[0].user_id, user.id)
  assert.equal(session.token_type, 'bearer')
  assert.equal(session.user.id, user.id)
  assert.ok(session.expires_in > 90, 'the client refreshes what ends within 90 seconds')
  assert.ok(Math.abs(session.expires_at - Date.now() / 1000 - session.expires_in) < 30)
  assert.deepEqual(client.events.at(-1), ['SIGNED_IN', email])
})

test('data becomes user_metadata, in the user and in the token', async () => {
  const client = tab()
  const told = { full_name: 'Ann Lee', age: 41, tags: ['a', null, { deep: true }], emoji: '🪴' }
  const { user } = data(await client.auth.signUp({ email: newEmail(), password: PASSWORD, options: { data: told } }))
  assert.deepEqual(user.user_metadata, told)
  assert.deepEqual(data(await client.auth.getClaims()).claims.user_metadata, told)
  assert.deepEqual(data(await client.auth.getUser()).user.user_metadata, told)
})

test('data makes nobody an admin or somebody else', async () => {
  const client = tab()
  const told = { id: '00000000-0000-0000-0000-000000000000', roles: ['admin'], role: 'service_role', email: 'other@example.com' }
  const email = newEmail()
  const { user, session } = data(await client.auth.signUp({ email, password: PASSWORD, options: { data: told } }))
  assert.equal(user.role, 'authenticated')
  assert.equal(user.email, email)
  assert.notEqual(user.id, told.id)
  const me = await api('/api/account', { token: session.access_token })
  assert.deepEqual([me.body.id, me.body.email, me.body.roles], [user.id, email, []])
})

test('a taken email is user_already_exists, however it is written', async () => {
  const ann = await person()
  for (const email of [ann.email, ann.email.toUpperCase()]) {
    const error = refused(await tab().auth.signUp({ email, password: PASSWORD }), 'AuthApiError', 422, 'user_already_exists')
    assert.equal(error.message, 'User already registered')
  }
})

test('a weak password is an AuthWeakPasswordError with reasons', async () => {
  const cases = { short: ['length'], password123: ['pwned'], ['x1'.repeat(100)]: ['length'] }
  for (const [password, reasons] of Object.entries(cases)) {
    const error = refused(await tab().auth.signUp({ email: newEmail(), password }), 'AuthWeakPasswordError', 422, 'weak_password')
    assert.deepEqual(error.reasons, reasons)
  }
})

test('what is no email address or no password is validation_failed, and says what is wrong', async () => {
  for (const email of ['nope', 'ann@', '@example.com', 'ann lee@example.com', 'ann@example.com\nbob@example.com']) {
    const error = refused(await tab().auth.signUp({ email, password: PASSWORD }), 'AuthApiError', 400, 'validation_failed')
    assert.match(error.message, /email/i)
  }
  const error = refused(await tab().auth.signUp({ email: newEmail(), password: '' }), 'AuthApiError', 400, 'validation_failed')
  assert.match(error.message, /password/i)
})

test('a phone or nothing at all instead of an email is refused as disabled', async () => {
  refused(await tab().auth.signUp({ phone: '+41791234567', password: PASSWORD }), 'AuthApiError', 400, 'phone_provider_disabled')
  refused(await tab().auth.signInAnonymously(), 'AuthApiError', 422, 'anonymous_provider_disabled')
})

test('what the client sends along and this server has no use for is ignored', async () => {
  const client = tab({ flowType: 'pkce' })
  const options = { captchaToken: 'x', emailRedirectTo: 'https://app.example.com/welcome' }
  const { session } = data(await client.auth.signUp({ email: newEmail(), password: PASSWORD, options }))
  assert.ok(session)
})

test('more data than a token can carry is refused, and no account is made', async () => {
  const email = newEmail()
  const options = { data: { avatar: 'x'.repeat(5000) } }
  refused(await tab().auth.signUp({ email, password: PASSWORD, options }), 'AuthApiError', 400, 'validation_failed')
  data(await tab().auth.signUp({ email, password: PASSWORD }))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PASSWORD, data, newEmail, person, refused, tab } from './client.mjs'

test('signInWithPassword gives a session of its own', async () => {
  const ann = await person()
  const client = tab()
  const { session, user } = data(await client.auth.signInWithPassword({ email: ann.email.toUpperCase(), password: PASSWORD }))
  assert.equal(user.id, ann.user.id)
  assert.notEqual(session.refresh_token, ann.session.refresh_token)
  assert.equal(data(await client.auth.getSession()).session.access_token, session.access_token)
  assert.deepEqual(client.events.at(-1), ['SIGNED_IN', ann.email])
})

test('a wrong password and an unknown email are the same invalid_credentials', async () => {
  const ann = await person()
  const client = tab()
  const wrong = await client.auth.signInWithPassword({ email: ann.email, password: 'not-the-password-1' })
  const unknown = await client.auth.signInWithPassword({ email: newEmail('nobody'), password: PASSWORD })
  for (const result of [wrong, unknown]) {
    assert.equal(refused(result, 'AuthApiError', 400, 'invalid_credentials').message, 'Invalid login credentials')
    assert.deepEqual(result.data, { user: null, session: null })
  }
  assert.equal(data(await client.auth.getSession()).session, null)
  assert.equal(client.events.some(([event]) => event === 'SIGNED_IN'), false)
})

test('a failed attempt leaves the session that was there', async () => {
  const ann = await person()
  refused(await ann.auth.signInWithPassword({ email: ann.email, password: 'not-the-password-1' }), 'AuthApiError', 400, 'invalid_credentials')
  assert.equal(data(await ann.auth.getUser()).user.id, ann.user.id)
})

test('an empty form is validation_failed', async () => {
  refused(await tab().auth.signInWithPassword({ email: '', password: '' }), 'AuthApiError', 400, 'validation_failed')
  refused(await tab().auth.signInWithPassword({ email: newEmail(), password: '' }), 'AuthApiError', 400, 'validation_failed')
})

test('a page that loads again finds its session in storage and asks nobody', async () => {
  const ann = await person()
  const reloaded = tab({ storage: ann.memory })
  const { session } = data(await reloaded.auth.getSession())
  assert.equal(session.access_token, ann.session.access_token)
  assert.deepEqual(reloaded.requests, [])
  assert.deepEqual(new Set(reloaded.events.map(String)), new Set([`INITIAL_SESSION,${ann.email}`, `SIGNED_IN,${ann.email}`]))
  assert.deepEqual(data(await tab().auth.getSession()), { session: null })
})

test('ways to sign in that this server lacks are refused with a sentence, not a crash', async () => {
  const { auth } = tab()
  const results = [
    await auth.resetPasswordForEmail(newEmail()),
    await auth.signInWithOtp({ email: newEmail() }),
    await auth.verifyOtp({ email: newEmail(), token: '123456', type: 'email' }),
    await auth.resend({ type: 'signup', email: newEmail() }),
    await auth.signInWithIdToken({ provider: 'google', token: 'x' }),
  ]
  for (const { error } of results) {
    assert.equal(error.name, 'AuthApiError')
    assert.ok([400, 404].includes(error.status), `${error.status}`)
    assert.match(error.message, /^[A-Za-z_ ]+\.$/)
  }
})

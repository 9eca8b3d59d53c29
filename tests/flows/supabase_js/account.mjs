import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PASSWORD, api, data, device, newEmail, person, refused, tab } from './client.mjs'

test('getUser asks the server, and needs a session', async () => {
  const ann = await person()
  const before = ann.requests.length
  assert.deepEqual(data(await ann.auth.getUser()).user, ann.user)
  assert.deepEqual(ann.requests.slice(before), ['GET /auth/v1/user'])
  assert.deepEqual(data(await tab().auth.getUser(ann.session.access_token)).user, ann.user)
  refused(await tab().auth.getUser(), 'AuthSessionMissingError', 400, undefined)
})

test('a token that nobody signed is bad_jwt', async () => {
  refused(await tab().auth.getUser('a.b.c'), 'AuthApiError', 403, 'bad_jwt')
})

test('getClaims verifies the ES256 signature with the published key, without asking who it is', async () => {
  const ann = await person()
  const before = ann.requests.length
  const { claims, header } = data(await ann.auth.getClaims())
  assert.deepEqual(ann.requests.slice(before), ['GET /auth/v1/.well-known/jwks.json'])
  assert.equal(header.alg, 'ES256')
  assert.equal(claims.sub, ann.user.id)
  assert.equal(claims.email, ann.email)
  assert.equal(claims.role, 'authenticated')
  assert.equal(claims.aud, 'authenticated')
  assert.equal(claims.aal, 'aal1')
  assert.deepEqual(claims.amr.map(({ method }) => method), ['password'])
  assert.match(claims.session_id, /^[0-9a-f-]{36}$/)
  assert.ok(claims.iss.endsWith('/auth/v1'))
  assert.ok(claims.exp > claims.iat)
  data(await ann.auth.getClaims())
  assert.equal(ann.requests.length, before + 1)
})

test('getClaims refuses a token with another payload', async () => {
  const ann = await person()
  const [header, payload, signature] = ann.session.access_token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url'))
  const forged = Buffer.from(JSON.stringify({ ...claims, sub: crypto.randomUUID() })).toString('base64url')
  const result = await ann.auth.getClaims(`${header}.${forged}.${signature}`)
  assert.equal(result.error.name, 'AuthInvalidJwtError')
  assert.equal((await api('/api/todos', { token: `${header}.${forged}.${signature}` })).status, 401)
})

test('getAuthenticatorAssuranceLevel, listFactors and getUserIdentities read what is there', async () => {
  const ann = await person()
  const level = data(await ann.auth.mfa.getAuthenticatorAssuranceLevel())
  assert.deepEqual([level.currentLevel, level.nextLevel], ['aal1', 'aal1'])
  assert.deepEqual(data(await ann.auth.mfa.listFactors()).all, [])
  assert.deepEqual(data(await ann.auth.getUserIdentities()).identities.map(({ provider }) => provider), ['email'])
})

test('updateUser merges data, a null takes a name away, and the page is told', async () => {
  const ann = await person()
  data(await ann.auth.updateUser({ data: { name: 'Ann', plan: { a: 1 } } }))
  const { user } = data(await ann.auth.updateUser({ data: { name: null, plan: { b: 2 }, city: 'Bern' } }))
  assert.deepEqual(user.user_metadata, { plan: { b: 2 }, city: 'Bern' })
  assert.deepEqual(ann.events.at(-1), ['USER_UPDATED', ann.email])
  assert.deepEqual(data(await ann.auth.getSession()).session.user.user_metadata, user.user_metadata)
  data(await ann.auth.refreshSession())
  assert.deepEqual(data(await ann.auth.getClaims()).claims.user_metadata, user.user_metadata)
})

test('updateUser changes the password: this session goes on, the others end, the old password is wrong', async () => {
  const ann = await person()
  const phone = await device(ann)
  const password = 'another-orbit-lantern-43'
  data(await ann.auth.updateUser({ password }))
  assert.equal(data(await ann.auth.getUser()).user.id, ann.user.id)
  data(await ann.auth.refreshSession())
  refused(await phone.auth.getUser(), 'AuthSessionMissingError', 400, undefined)
  assert.deepEqual(phone.events.at(-1), ['SIGNED_OUT', null])
  refused(await tab().auth.signInWithPassword({ email: ann.email, password: PASSWORD }), 'AuthApiError', 400, 'invalid_credentials')
  data(await tab().auth.signInWithPassword({ email: ann.email, password }))
})

test('updateUser refuses the same and a weak password, and then changes nothing', async () => {
  const ann = await person()
  refused(await ann.auth.updateUser({ password: PASSWORD, data: { a: 1 } }), 'AuthApiError', 422, 'same_password')
  const weak = refused(await ann.auth.updateUser({ password: 'short', data: { a: 1 } }), 'AuthWeakPasswordError', 422, 'weak_password')
  assert.deepEqual(weak.reasons, ['length'])
  assert.deepEqual(data(await ann.auth.getUser()).user.user_metadata, {})
  data(await tab().auth.signInWithPassword({ email: ann.email, password: PASSWORD }))
})

test('updateUser takes the present email, and says that another one or a phone cannot be set', async () => {
  const ann = await person()
  assert.equal(data(await ann.auth.updateUser({ email: ann.email.toUpperCase() })).user.email, ann.email)
  refused(await ann.auth.updateUser({ email: newEmail() }), 'AuthApiError', 400, 'validation_failed')
  refused(await ann.auth.updateUser({ phone: '+41791234567' }), 'AuthApiError', 400, 'phone_provider_disabled')
  assert.equal(data(await ann.auth.getUser()).user.phone, '')
})

test('updateUser needs a session', async () => {
  refused(await tab().auth.updateUser({ data: { a: 1 } }), 'AuthSessionMissingError', 400, undefined)
})

test('a deleted account is signed out everywhere', async () => {
  const ann = await person()
  const phone = await device(ann)
  assert.equal((await api('/api/account', { token: ann.session.access_token, method: 'DELETE' })).status, 204)
  refused(await phone.auth.getUser(), 'AuthSessionMissingError', 400, undefined)
  refused(await ann.auth.refreshSession(), 'AuthApiError', 400, 'refresh_token_not_found')
  assert.equal((await ann.auth.signOut()).error, null)
})

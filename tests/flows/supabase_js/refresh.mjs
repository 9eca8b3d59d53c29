import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as passed } from 'node:timers/promises'
import { PASSWORD, api, data, person, refused, tab } from './client.mjs'

const GRACE = 10_000

// The one that waits for the grace to end would else hold up the others.
describe('refreshing', { concurrency: true }, () => {
  test('refreshSession gives the next tokens of the same session', async () => {
    const ann = await person()
    const before = data(await ann.auth.getClaims()).claims
    const { session, user } = data(await ann.auth.refreshSession())
    assert.equal(user.id, ann.user.id)
    assert.notEqual(session.refresh_token, ann.session.refresh_token)
    assert.deepEqual(ann.events.at(-1), ['TOKEN_REFRESHED', ann.email])
    const after = data(await ann.auth.getClaims()).claims
    assert.equal(after.session_id, before.session_id)
    assert.deepEqual(after.amr, before.amr)
    assert.equal((await api('/api/todos', { token: session.access_token })).status, 200)
  })

  test('getSession refreshes by itself what has ended', async () => {
    const ann = await person()
    const [[name, kept]] = ann.memory.kept
    ann.memory.kept.set(name, JSON.stringify({ ...JSON.parse(kept), expires_at: 1 }))
    const { session } = data(await ann.auth.getSession())
    assert.notEqual(session.refresh_token, ann.session.refresh_token)
    assert.ok(session.expires_at > Date.now() / 1000)
    assert.ok(ann.requests.includes('POST /auth/v1/token?grant_type=refresh_token'))
  })

  test('two tabs that refresh at once both go on, with the same next token', async () => {
    const ann = await person()
    const tabs = [tab(), tab(), tab()]
    const both = await Promise.all(tabs.map((client) => client.auth.refreshSession(ann.session)))
    const [first, ...rest] = both.map((result) => data(result).session)
    for (const session of rest) assert.equal(session.refresh_token, first.refresh_token)
    for (const client of tabs) assert.equal(data(await client.auth.getUser()).user.id, ann.user.id)
    data(await tabs[2].auth.refreshSession())
  })

  test('two tabs of one storage stay signed in when both refresh', async () => {
    const ann = await person()
    const other = tab({ storage: ann.memory })
    const results = await Promise.all([ann.auth.refreshSession(), other.auth.refreshSession()])
    for (const { error } of results) {
      if (error) assert.equal(error.name, 'AuthRefreshDiscardedError') // the client's own word for: the other tab was first
    }
    assert.ok(results.some(({ error }) => error === null))
    for (const client of [ann, other]) {
      assert.equal(data(await client.auth.getUser()).user.id, ann.user.id)
      assert.equal(client.events.some(([event]) => event === 'SIGNED_OUT'), false)
    }
  })

  test('a used refresh token shown after the grace ends the session for whoever holds it', async () => {
    const ann = await person()
    const { session } = data(await ann.auth.refreshSession())
    await passed(GRACE + 500)
    refused(await tab().auth.refreshSession(ann.session), 'AuthApiError', 400, 'refresh_token_already_used')
    assert.equal((await api('/api/todos', { token: session.access_token })).status, 401)
    refused(await tab().auth.refreshSession(session), 'AuthApiError', 400, 'refresh_token_not_found')
    refused(await ann.auth.getUser(), 'AuthSessionMissingError', 400, undefined)
    assert.deepEqual(ann.events.at(-1), ['SIGNED_OUT', null])
    data(await ann.auth.signInWithPassword({ email: ann.email, password: PASSWORD }))
  })

  test('what is no refresh token is refresh_token_not_found, and none at all a missing session', async () => {
    for (const refresh_token of ['nope', 'x'.repeat(5000), '🪴']) {
      refused(await tab().auth.refreshSession({ refresh_token }), 'AuthApiError', 400, 'refresh_token_not_found')
    }
    refused(await tab().auth.refreshSession(), 'AuthSessionMissingError', 400, undefined)
  })

  test('setSession takes over a session, and refreshes it if its token has ended', async () => {
    const ann = await person()
    const { access_token, refresh_token } = ann.session
    const taken = tab()
    const { session, user } = data(await taken.auth.setSession({ access_token, refresh_token }))
    assert.deepEqual([user.id, session.access_token], [ann.user.id, access_token])
    assert.deepEqual(taken.events.at(-1), ['SIGNED_IN', ann.email])

    const ended = ['{"alg":"ES256"}', '{"exp":1}', 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.')
    const next = data(await tab().auth.setSession({ access_token: ended, refresh_token })).session
    assert.notEqual(next.refresh_token, refresh_token)
    refused(await tab().auth.setSession({ access_token: ended, refresh_token: 'nope' }), 'AuthApiError', 400, 'refresh_token_not_found')
  })
})

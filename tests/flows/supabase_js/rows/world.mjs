// People of the library (see tests/flows/library.py), who are there before the checks begin.
import { PASSWORD, data, tab } from '../client.mjs'

async function signedIn(name) {
  const client = tab()
  const { user } = data(await client.auth.signInWithPassword({ email: `${name}@example.com`, password: PASSWORD }))
  return Object.assign(client, { user })
}

export const [ann, bob, nobody] = [await signedIn('ann'), await signedIn('bob'), tab()]

/** A word that no other check uses. */
let words = 0
export const word = (name = 'w') => `${name}-${process.pid}-${(words += 1)}`

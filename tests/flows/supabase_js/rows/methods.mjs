// The names of all that can be called on a client of tables and on its builders.
import { nobody } from './world.mjs'

const names = new Set()
for (const made of [nobody.from('books'), nobody.from('books').select(), nobody.schema('public')]) {
  for (let at = made; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) if (typeof made[name] === 'function') names.add(name)
  }
}
console.log(JSON.stringify([...names].sort()))

import { describe, expect, it } from 'vitest'
import { splitDatabaseName } from '../../src/features/addresses/name-parts.ts'

describe('the name of an address', () => {
  it('of the group database has its database, schema and table, without the blanks around', () => {
    const parts = { database_name: 'analytics', schema_name: 'public', table_name: 'users' }
    expect(splitDatabaseName('analytics.public.users', 'database')).toEqual(parts)
    expect(splitDatabaseName(' analytics . public . users ', 'DataBase')).toEqual(parts)
  })

  it.each([
    ['analytics.public.users', 'storage'],
    ['public.users', 'database'],
    ['a.b.c.d', 'database'],
    ['a..c', 'database'],
    ['a. .c', 'database'],
    ['users', 'database'],
  ])('%s of the group %s has no parts', (name, group) => {
    expect(splitDatabaseName(name, group)).toEqual({})
  })

  it('has parts of 50 characters, as people count them', () => {
    expect(splitDatabaseName(`a.b.${'🦉'.repeat(50)}`, 'database').table_name).toBe('🦉'.repeat(50))
    expect(splitDatabaseName(`a.b.${'c'.repeat(51)}`, 'database')).toEqual({})
  })
})

const MAX_CHARACTERS = 50

export interface NameParts {
  database_name?: string
  schema_name?: string
  table_name?: string
}

/**
 * `analytics.public.users` of the group `database` names its database, schema and table. Any other group, any other
 * number of parts, or a part that is empty or longer than the columns (50 characters): nothing.
 */
export const splitDatabaseName = (name: string, groupName: string): NameParts => {
  const parts = name.split('.').map((part) => part.trim())
  const [database_name, schema_name, table_name] = parts
  const fits = parts.every((part) => part.length > 0 && [...part].length <= MAX_CHARACTERS)
  if (groupName.toLowerCase() !== 'database' || parts.length !== 3 || !fits) return {}
  return { database_name, schema_name, table_name } as NameParts
}

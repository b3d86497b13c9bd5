const MAX_CHARACTERS = 50

export interface NameParts {
  database_name?: string
  schema_name?: string
  table_name?: string
}

/**
 * Splits a name of the group `database`, such as `analytics.public.users`, into database, schema and table. Returns {} for
 * any other group, any other number of segments, or a segment that is empty or longer than 50 characters (the columns' limit).
 */
export const splitDatabaseName = (name: string, groupName: string): NameParts => {
  const parts = name.split('.').map((part) => part.trim())
  const [database_name, schema_name, table_name] = parts
  const fits = parts.every((part) => part.length > 0 && [...part].length <= MAX_CHARACTERS)
  if (groupName.toLowerCase() !== 'database' || parts.length !== 3 || !fits) return {}
  return { database_name, schema_name, table_name } as NameParts
}

import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  // By pattern: a table that moves to another folder must not look deleted, or its DROP would be generated.
  schema: './src/**/table.ts',
  out: './migrations',
})

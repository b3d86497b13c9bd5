import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  // A pattern still finds a table that moves to another folder; otherwise drizzle would generate its DROP TABLE.
  schema: './src/**/table.ts',
  out: './migrations',
})

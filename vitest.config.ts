import { cloudflareTest } from '@cloudflare/vitest-pool-workers'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // The last line of the output has the counts, in every terminal.
    reporters: ['default', './test/support/node/summary-reporter.ts'],
    // The worker logs every request; only its warnings and errors help to read a test.
    onConsoleLog: (line) => !line.includes('"level":"info"'),
    projects: [
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: {
                ENV_STATE: 'test',
                DATABASE_URL: inject('databaseUrl'),
                NEON_FETCH_ENDPOINT: inject('endpointUrl'),
              },
              email: { send_email: [{ name: 'EMAIL' }] },
            },
          })),
        ],
        test: {
          name: 'worker',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{tools,server,dev,demo,browser}/**'],
          globalSetup: ['./test/support/node/database.ts'],
          setupFiles: ['./test/support/setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'node',
          include: ['test/{tools,server,dev,demo}/**/*.test.ts'],
          globalSetup: ['./test/support/node/build.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['./test/support/node/build.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})

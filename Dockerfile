# Watcher on your own server: docker build -t watcher . && docker run -p 8787:8787 --stop-timeout 40 \
#   -e DATABASE_URL=postgresql://… -e WATCHER_API_TOKENS=me:… watcher
FROM node:24-bookworm-slim
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build:production && chown -R node:node dist
USER node
ENV HOST=0.0.0.0 PORT=8787
EXPOSE 8787
HEALTHCHECK --start-period=20s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/?deep=true`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The options keep node's memory small: it only passes statements and messages on. Runs node directly, not through npm: node must receive SIGTERM to finish the running requests and jobs.
CMD ["node", "--optimize-for-size", "--max-semi-space-size=1", "src/server/start.ts"]

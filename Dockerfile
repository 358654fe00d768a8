FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-slim
LABEL org.opencontainers.image.title="labmate" \
      org.opencontainers.image.description="An ML-experiment teammate that lives in Slack" \
      org.opencontainers.image.licenses="MIT"
# Charts are drawn with a font of the system; the image has none of its own. Debian's stable release moves fixes only, so its version is left to it.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends fonts-dejavu-core && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production ADMIN_HOST=0.0.0.0
WORKDIR /app
# package-lock.json goes along for whoever lists what is inside.
COPY --from=build /app/package.json /app/package-lock.json /app/manifest.yml /app/labmate.schema.json /app/labmate.example.json /app/LICENSE ./
COPY --from=build /app/bin ./bin
COPY --from=build /app/dist ./dist
COPY --from=build /app/node_modules ./node_modules
# The user "node" of the image, by number: a cluster that forbids root cannot look names up.
USER 1000
EXPOSE 3000 3001
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.ADMIN_PORT || 3001) + '/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/labmate.mjs"]
CMD ["start"]

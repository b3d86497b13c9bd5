#!/bin/sh
# Runs workerd for start.ts. Ctrl-C reaches every process of the terminal, but workerd must end only when start.ts says so,
# after the requests and jobs under way.
trap '' INT HUP
exec "$WORKERD" "$@"

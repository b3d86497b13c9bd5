#!/bin/sh
# workerd for start.ts. Ctrl-C reaches every process of the terminal; workerd is to end when start.ts says so, once
# requests and jobs under way are done.
trap '' INT HUP
exec "$WORKERD" "$@"

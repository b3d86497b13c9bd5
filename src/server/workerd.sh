#!/bin/sh
# Runs workerd for workerd.ts. File descriptor 4 is a pipe whose other end only node holds. If node ends in any way, also by
# kill -9, the pipe ends, and workerd is killed: it would keep the port. A line in the pipe says that workerd has ended.
# Ctrl-C reaches every process of the terminal, but workerd must end only when node says so, after the work under way.
trap '' INT HUP
{
  trap '' TERM
  read -r _ <&4 || kill -9 $$
} > /dev/null 2>&1 3>&- &
exec "$WORKERD" "$@" 4<&-

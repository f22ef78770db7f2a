#!/bin/sh
# Ten lines of shell: `limner serve` answers with a link, which works for an hour.
set -eu
url=${OPENAI_BASE_URL:-http://127.0.0.1:8000/v1}

answer=$(curl --silent --show-error --fail-with-body "$url/images/generations" \
  --header "Content-Type: application/json" --header "Authorization: Bearer none" \
  --data '{"model": "dall-e-3", "prompt": "A cute puppy playing with a ball in the park"}')
link=$(printf '%s' "$answer" | sed -n 's/.*"url": "\([^"]*\)".*/\1/p')
curl --silent --show-error --fail --output puppy.png "$link"

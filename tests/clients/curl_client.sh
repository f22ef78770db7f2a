#!/bin/sh
# curl: generate, edit and vary, a stream, and an error that is an exit status and a body. Answers are JSON already.
set -eu

# ask PATH OPTION...: one request; where the answer is an error, its body is still printed and the status is 22.
ask() {
    path=$1
    shift
    curl --silent --show-error --fail-with-body --header "Authorization: Bearer $OPENAI_API_KEY" \
        "$@" "$OPENAI_BASE_URL/images/$path"
}

json="Content-Type: application/json"
generate=$(ask generations --header "$json" \
    --data '{"model": "gpt-image-1", "prompt": "a red boat", "size": "64x32", "n": 2}')
edit=$(ask edits --form model=gpt-image-1 --form prompt="a red boat" \
    --form image=@photo.png --form mask=@mask.png)
vary=$(ask variations --form image=@photo.png --form n=2 --form size=256x256)
streamed=$(ask generations --no-buffer --header "$json" \
    --data '{"model": "gpt-image-1", "prompt": "a red boat", "size": "64x32", "stream": true, "partial_images": 1}' |
    sed -n 's/^data: //p' | paste -s -d , -)
error=$(ask generations --header "$json" --data '{"model": "dall-e-9", "prompt": "a red boat"}' 2>error.txt) ||
    status=$?

printf '{"generate": %s, "edit": %s, "vary": %s, "generate_stream": [%s], ' "$generate" "$edit" "$vary" "$streamed"
printf '"error": {"name": "exit status %s", "message": "%s", "body": %s}}' "$status" "$(cat error.txt)" "$error"

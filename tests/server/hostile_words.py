"""Values, texts, names and bodies that break programs: what `hostile` makes its requests of."""

from __future__ import annotations

from typing import Any

__all__ = [
    "BODIES", "FILENAMES", "HEADERS", "HEADER_VALUES", "KINDS", "LINKS", "MIMES", "NAMES", "PART_HEADS", "PATHS",
    "TEXTS", "VALUES",
]  # fmt: skip

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**400, 0.0, -0.5, 1.5, 1e308, float("inf"),
    "", " ", "\0", "\ud800", "\u202e", "a" * 33_000, "🐕" * 20_000, "null", "true", "1", "-1", "1e9", "NaN",
    "../../etc/passwd", "' OR 1=1", "<script>", "%s%n", "${jndi:x}", "0x0", "99999x99999", "1x1x1",
    "\u0661x\u0661", [], [[]], [None], {}, {"a": {"b": {}}}, {"image_url": 1}, {"file_id": "../x"},
    {"image_url": "file:///etc/passwd"},
)  # fmt: skip
"""What may stand in a JSON field."""

TEXTS = tuple(value for value in VALUES if isinstance(value, str))
"""What may stand in a field of a form."""

NAMES = (
    *TEXTS, "a[b]", "a[", "[]", "image[]", "image[[]]", "mask[mask]", "__proto__", "constructor", "a.b",
    "a\r\nb",
)  # fmt: skip
"""Of fields."""

LINKS = (
    "file:///etc/passwd", "ftp://127.0.0.1/a", "http://127.0.0.1/", "gopher://127.0.0.1/",
    "javascript:alert(1)", "//127.0.0.1/", "https://127.0.0.1/", "https://127.1/", "https://2130706433/",
    "https://0x7f000001/", "https://0177.0.0.1/", "https://localhost/", "https://localhost./", "https://[::1]/",
    "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25lo]/", "https://[::]/", "https://0.0.0.0/",
    "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.0.1/", "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/", "https://224.0.0.1/",
    "https://255.255.255.255/", "https://user:password@127.0.0.1/", "https://127.0.0.1:0/",
    "https://127.0.0.1:99999/", "https://127.0.0.1:x/", "https://", "https:///", "https://[/", "https://]/",
    "https://127.0.0.1\r\nhost: a/", "https://127.0.0.1/\0", "https://\u0661\u0662\u0667.0.0.1/",
    "https://" + "1" * 300 + "/", "https://127.0.0.1/" + "a" * 10_000, "https://\uff11\uff12\uff17.0.0.1/",
    "data:", "data:,", "data:,a", "data:image/png;base64", "data:image/png;base64,", "data:image/png;base64,=",
    "data:image/png;base64,!!!!", "data:image/png;base64,\ud800", "data:text/html;base64,PHNjcmlwdD4=",
    "data:image/png;base64,iVBORw0KGgo=", "DATA:IMAGE/PNG;BASE64,AAAA", "data:;base64,AAAA" * 2000, "", " ",
    "\0", "a", "https", "blob:https://127.0.0.1/1", "file-", "a" * 100_000,
)  # fmt: skip
"""Addresses that must not be called, and what is no address."""

BODIES = (
    b"", b" ", b"\0", b"null", b"true", b"1", b'"a"', b"[]", b"[{}]", b"{", b"}", b"{}{}", b'{"prompt":}',
    b'{"prompt" "a"}', b"{'prompt':'a'}", b'{"prompt":"a",}', b'{"prompt":"a"}x', b'{"prompt":NaN}',
    b'{"n":Infinity,"prompt":"a"}', b'{"n":-Infinity,"prompt":"a"}', b'{"prompt":"\x01"}',
    b'{"prompt":"\xff\xfe"}', b'{"prompt":"\\ud800"}', b'{"prompt":"\\u12"}', b'{"prompt":"a","prompt":7}',
    b'{"n":' + b"9" * 5000 + b',"prompt":"a"}', b'{"seed":1e999,"prompt":"a"}',
    b'{"seed":0.' + b"1" * 5000 + b"}", b'{"n":01}', b'{"n":+1}', b"[" * 100_000, b'{"a":' * 100_000,
    b'{"prompt":' + b"[" * 5000 + b"]" * 5000 + b"}", b"\xef\xbb\xbf{}", '{"prompt":"a"}'.encode("utf-16"),
    '{"prompt":"a"}'.encode("utf-32"), b"\x1f\x8b\x08\0\0\0\0\0", b"%PDF-1.7", b"<xml/>", b"prompt=a&n=1",
    b"--b--\r\n", b"a" * 300_000, b"{" + b",".join(b'"k%d":0' % number for number in range(20_000)) + b"}",
)  # fmt: skip
"""What is not JSON, or not what a body should be."""

KINDS = (
    "application/json", "text/plain", "", "application/json; charset=utf-7", "APPLICATION/JSON",
    "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=",
    "multipart/form-data; boundary=b", "multipart/mixed; boundary=b", "image/png", "*/*", ";", "a" * 5000,
)  # fmt: skip
"""Content types of requests."""

PART_HEADS = (
    b"", b"Content-Disposition: form-data\r\n", b'Content-Disposition: form-data; name=""\r\n',
    b"Content-Disposition: attachment; name=image\r\n",
    b'Content-Disposition: form-data; name="image\xff"; filename="\xff"\r\n',
    b"Content-Disposition: form-data; name=image; filename*=UTF-8''%ff\r\n",
    b'Content-Disposition: form-data; name="image"; filename="a\0.png"\r\n',
    b'content-disposition:form-data;name="image";filename=""\r\n',
    b'Content-Disposition: form-data; name="image"; filename="a"\r\nContent-Transfer-Encoding: base64\r\n',
    b"x" * 20_000 + b": 1\r\n", b": \r\n" * 500,
    b'Content-Disposition: form-data; name="image"; filename="a"\r\nContent-Type: multipart/mixed; boundary=b\r\n',
    b"Content-Disposition\r\n", b'Content-Disposition: form-data; name="_charset_"\r\n',
    b'Content-Disposition: form-data; name="prompt"; name="image"; filename="a"\r\n',
)  # fmt: skip
"""Heads of the parts of a form."""

MIMES = (
    "image/jpeg", "image/gif", "image/svg+xml", "text/html", "application/x-php", "application/octet-stream",
    "a/b/c", "", "x" * 500,
)  # fmt: skip
"""Types of files."""

FILENAMES = (
    "a", "a.exe", "../../a.png", "..\\a.png", "/etc/passwd", "a.png%00.php", "CON", "🐕.png", "\ud800.png", ".",
    "a;b=c", "", "a" * 5000,
)  # fmt: skip
"""Names of files."""

PATHS = (
    "..", "../keys.json", "..%2fkeys.json", "%2e%2e/signing.key", "..%5c", "signing.key", "%00", "file-",
    "file-" + "0" * 48, "a" * 5000, "%ff", "🐕", "img_9999999999_" + "0" * 32 + ".png", ";", "//",
    "?signature=0", "?signature=" + "a" * 5000, "%F0%9F",
)  # fmt: skip
"""Ends of paths."""

HEADERS = (
    "authorization", "api-key", "range", "if-none-match", "host", "origin", "x-forwarded-for",
    "x-forwarded-proto", "x-forwarded-host", "forwarded", "content-encoding", "content-length",
    "transfer-encoding", "expect", "accept", "cookie", "x-stainless-retry-count",
)  # fmt: skip
"""Names of headers."""

HEADER_VALUES = (
    b"", b"\xff\xfe", b"a" * 8000, b"Bearer", b"Bearer  ", b"Basic YTpi", b"Bearer \xf0\x9f\x90\x95",
    b"bytes=0-", b"-1", b"1e9", b"99999999999999999999", b'"', b"*", b"a, b", b"127.0.0.1", b"[::1",
    b"for=a;host=b", b"chunked", b"gzip",
)  # fmt: skip
"""What may stand in a header."""

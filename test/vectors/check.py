"""An independent verifier of Ambit tokens, written from packages/core/SPEC.md alone, in plain Python 3.9+.

It checks every vector of this folder: `python3 check.py`. Section numbers in comments are those of SPEC.md, README.md
here says how the files are read, and nothing of the TypeScript is read. It is for reading and for testing, not for
use: nothing here is constant-time or fast.
"""
import base64
import hashlib
import hmac
import ipaddress
import json
import math
import os
import re
import sys
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))


class Deny(Exception):
    def __init__(self, code, caveat=None):
        super().__init__(code)
        self.code, self.caveat = code, caveat


class Malformed(Exception):
    pass


def label(name):  # section 2
    return b"ambit/1/" + name.encode() + b"\0"


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def hkdf(secret, salt, info):
    return mac(mac(salt or bytes(32), secret), info + b"\1")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise Malformed
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64(data) != text:
        raise Malformed
    return data


# ---- Section 1: CBOR ------------------------------------------------------------------------------------------

MAX = 2**53 - 1


def head(major, n):
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 24:
            return bytes([major << 5 | n])
        if n < 1 << (8 * size):
            return bytes([major << 5 | info]) + n.to_bytes(size, "big")


def enc(v):
    if v is None:
        return b"\xf6"
    if v is True or v is False:
        return b"\xf5" if v else b"\xf4"
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, list):
        return head(4, len(v)) + b"".join(map(enc, v))
    pairs = sorted((enc(k), enc(x)) for k, x in v.items())
    return head(5, len(pairs)) + b"".join(k + x for k, x in pairs)


class Map(dict):
    """A CBOR map; a class of its own, so that `True` and `1` are never confused with something else."""


def dec(data):
    value, at = item(data, 0, 8)
    if at != len(data):
        raise Malformed
    return value


def argument(data, at):
    if at >= len(data):
        raise Malformed
    major, info = data[at] >> 5, data[at] & 31
    if info < 24:
        return major, info, at + 1
    if info > 27:
        raise Malformed
    size = 1 << (info - 24)
    if at + 1 + size > len(data):
        raise Malformed
    n = int.from_bytes(data[at + 1 : at + 1 + size], "big")
    if n < (24 if size == 1 else 1 << (4 * size)):
        raise Malformed
    return major, n, at + 1 + size


def item(data, at, depth):
    if at < len(data) and data[at] >> 5 == 7:
        simple = {0xF4: False, 0xF5: True, 0xF6: None}
        if data[at] not in simple:
            raise Malformed
        return simple[data[at]], at + 1
    major, n, at = argument(data, at)
    if n > MAX:
        raise Malformed
    if major == 0:
        return n, at
    if major == 1:
        if n >= MAX:
            raise Malformed
        return -1 - n, at
    if major in (2, 3):
        if at + n > len(data):
            raise Malformed
        raw = data[at : at + n]
        if major == 2:
            return raw, at + n
        if n > 1024:
            raise Malformed
        try:
            return raw.decode("utf-8", "strict"), at + n
        except UnicodeDecodeError:
            raise Malformed from None
    if depth == 0 or major == 6:
        raise Malformed
    if major == 4:
        if n > len(data) - at:
            raise Malformed
        out = []
        for _ in range(n):
            value, at = item(data, at, depth - 1)
            out.append(value)
        return out, at
    if 2 * n > len(data) - at:
        raise Malformed
    out, previous = Map(), None
    for _ in range(n):
        start = at
        key, at = item(data, at, 0)
        if isinstance(key, bool) or not isinstance(key, (int, str)):
            raise Malformed
        if previous is not None and data[start:at] <= previous:
            raise Malformed
        previous = data[start:at]
        out[key], at = item(data, at, depth - 1)
    return out, at


# ---- Section 1: names, tools, labels ---------------------------------------------------------------------------

BIDI = {0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
CONTROL = {*range(0x20), *range(0x7F, 0xA0)}
INVISIBLE = CONTROL | BIDI | {0xAD, 0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0}
for low, high in (
    (0x180B, 0x180F), (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F), (0xFFF0, 0xFFFB),
    (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
):
    INVISIBLE |= set(range(low, high + 1))


def sound(text, size, without):
    return 0 < len(text.encode()) <= size and not any(ord(ch) in without for ch in text)


def is_name(text):
    return sound(text, 256, INVISIBLE)


def is_note(text):
    return sound(text, 1024, CONTROL | BIDI | {0x2028, 0x2029})


def need(condition):
    if not condition:
        raise Malformed


def name(x):
    need(isinstance(x, str) and is_name(x))
    return x


def is_tool(text):
    return len(text) <= 256 and re.fullmatch(r"[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*", text) is not None


def is_pattern(text):
    if not text.endswith("*"):
        return is_tool(text)
    stem = text[:-1]
    return len(text) <= 256 and (stem == "" or is_tool(stem) or (stem[-1] in "./" and is_tool(stem[:-1])))


def match_tool(pattern, tool):
    if not pattern.endswith("*"):
        return pattern == tool
    stem = pattern[:-1]
    if not is_tool(tool) or not tool.startswith(stem):
        return False
    rest = tool[len(stem) :]
    if stem and stem[-1] in "./":
        return is_tool(rest)
    return re.fullmatch(r"[A-Za-z0-9_-]*", rest) is not None


def match_any(patterns, tool):
    return any(match_tool(p, tool) for p in patterns)


def is_label(text):
    return len(text) <= 256 and re.fullmatch(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*", text) is not None


def covers(scope, text):
    return is_label(text) and (text == scope or text.startswith(scope + ":"))


def whole(x):
    need(isinstance(x, int) and not isinstance(x, bool) and x >= 0)
    return x


def sized(x, n):
    need(isinstance(x, bytes) and len(x) == n)
    return x


def texts(x, good, least=0):
    need(isinstance(x, list) and least <= len(x) <= 256 and all(isinstance(t, str) and good(t) for t in x))
    return x


def members(x, n):
    need(isinstance(x, list) and len(x) == n)
    return x


# ---- Section 4: strict Ed25519 and X25519 ----------------------------------------------------------------------

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D_CURVE = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    A = (a[1] - a[0]) * (b[1] - b[0]) % P
    B = (a[1] + a[0]) * (b[1] + b[0]) % P
    C = 2 * a[3] * b[3] * D_CURVE % P
    E = 2 * a[2] * b[2] % P
    e, f, g, h = B - A, E - C, E + C, B + A
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, point):
    out = (0, 1, 1, 0)
    while n:
        if n & 1:
            out = add(out, point)
        point = add(point, point)
        n >>= 1
    return out


def compress(p):
    z = pow(p[2], P - 2, P)
    x, y = p[0] * z % P, p[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D_CURVE * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def point(y, sign):
    return decompress((y | sign << 255).to_bytes(32, "little"))


BASE = point(4 * pow(5, P - 2, P) % P, 0)


def small(p):
    return compress(times(8, p)) == compress((0, 1, 1, 0))


def verify(key, message, signature):
    if len(key) != 32 or len(signature) != 64:
        return False
    A, R, s = decompress(key), decompress(signature[:32]), int.from_bytes(signature[32:], "little")
    if A is None or R is None or s >= Q or small(A) or small(R):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % Q
    minus = (P - A[0], A[1], A[2], P - A[3])
    return compress(add(times(s, BASE), times(k, minus))) == signature[:32]


def x25519(secret, peer):
    u = int.from_bytes(peer, "little")
    if len(peer) != 32 or u >= P:
        return None
    k = int.from_bytes(secret, "little")
    k = (k & ~7 & ((1 << 255) - 1)) | 1 << 254
    x1, x2, z2, x3, z3, swap = u, 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a % P, c * b % P
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        aa, bb = a * a % P, b * b % P
        e = aa - bb
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, x3, z2, z3 = x3, x2, z3, z2
    out = (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")
    return None if out == bytes(32) else out


# ---- Section 5: arguments as JSON, RFC 8785 ---------------------------------------------------------------------


def js_number(x):
    """A number as ECMAScript's Number::toString writes it."""
    x = float(x)
    if x == int(x) and abs(x) < 1e21:
        return str(int(x))
    sign = "-" if x < 0 else ""
    mantissa, _, exponent = repr(abs(x)).partition("e")
    whole_, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole_ + fraction).lstrip("0")
    n = len(whole_) + int(exponent or 0)
    if whole_ == "0":
        n -= 1 + len(fraction) - len(fraction.lstrip("0"))
        n = n if exponent else -(len(fraction) - len(fraction.lstrip("0")))
    digits = digits.rstrip("0")
    k = len(digits)
    if 0 < n <= 21:
        return sign + digits[:n] + "." + digits[n:]
    if -6 < n <= 0:
        return sign + "0." + "0" * -n + digits
    e = n - 1
    tail = ("." + digits[1:]) if k > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if e >= 0 else '-'}{abs(e)}"


def canonical(v):
    if v is None:
        return "null"
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, str):
        return json.dumps(v, ensure_ascii=False).replace("\x7f", "\x7f")
    if isinstance(v, (int, float)):
        return js_number(v)
    if isinstance(v, list):
        return "[" + ",".join(map(canonical, v)) + "]"
    names = sorted(v, key=lambda k: k.encode("utf-16-be"))
    return "{" + ",".join(canonical(k) + ":" + canonical(v[k]) for k in names) + "}"


def parse_json(text):
    """Any JSON value by the rules of section 5; raises ValueError."""

    def pairs(found):
        out = {}
        for key, value in found:
            if key in out or key == "__proto__":
                raise ValueError
            out[key] = value
        return out

    def number(token):
        x = float(token)
        if not abs(x) <= MAX or (x == 0 and (token[0] == "-" or re.match(r"[^eE]*[1-9]", token))):
            raise ValueError
        return int(x) if x == int(x) else x

    def refuse(_):
        raise ValueError

    def check(v, depth):
        if isinstance(v, str):
            v.encode("utf-8")  # lone surrogates
        elif isinstance(v, (list, dict)):
            if depth == 0:
                raise ValueError
            for x in v if isinstance(v, list) else [*v, *v.values()]:
                check(x, depth - 1)

    if len(text.encode("utf-8", "surrogatepass")) > 65536 or text != text.strip("\ufeff\x0b\x0c\x85\xa0"):
        raise ValueError
    value = json.loads(text, object_pairs_hook=pairs, parse_int=number, parse_float=number, parse_constant=refuse)
    check(value, 32)
    if len(canonical(value).encode()) > 65536:
        raise ValueError
    return value


def take_arguments(text):
    try:
        value = parse_json(text)
    except (ValueError, RecursionError):
        raise Deny("arguments_invalid") from None
    if not isinstance(value, dict):
        raise Deny("arguments_invalid")
    return value


# ---- Section 9: constraints --------------------------------------------------------------------------------------


def jvalue(x):
    need(isinstance(x, str))
    try:
        value = parse_json(x)
    except ValueError:
        raise Malformed from None
    need(canonical(value) == x)
    return value


def jsame(a, b):
    return canonical(a) == canonical(b)


def address(text):
    if not re.fullmatch(r"[0-9a-fA-F:.]{2,45}", text) or any(re.fullmatch(r"0\d+", part) for part in text.split(":")[-1].split(".") if "." in text):
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def network(text):
    host, slash, prefix = text.partition("/")
    if not slash or not re.fullmatch(r"0|[1-9]\d{0,2}", prefix) or address(host) is None:
        return None
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


EMBEDDING = [ipaddress.ip_network(n) for n in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")]


def in_networks(text, networks, constraint):
    ip = address(text)
    if ip is None:
        return False
    nets = [network(n) for n in networks]
    if not constraint and ip.version == 6 and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if constraint and ip.version == 6 and any(ip in e for e in EMBEDDING):
        nets = [n for n in nets if n.version == 6 and any(n.subnet_of(e) for e in EMBEDDING)]
    return any(n.version == ip.version and ip in n for n in nets)


LOOKALIKES = set("\u00a5\u20a9\u2044\u2215\u2216\u29f5\u29f8\u29f9\u3002\uff61\u2571\u27cb\u27cd\u1735")


def plain_path(path):
    def segments(text):
        parts = text[1:].split("/")
        return all((p and p[-1] not in ". \u1680") or (not p and i == len(parts) - 1) for i, p in enumerate(parts))

    def clean(text):
        return not any(ch in LOOKALIKES or ord(ch) in INVISIBLE or "\ud800" <= ch <= "\udfff" for ch in text)

    if not path.startswith("/") or re.search(r"[\x00-\x1f\x7f\\%]", path) or not segments(path):
        return False
    if path.isascii():
        return True
    run = 0
    for ch in path:
        run = run + 1 if unicodedata.category(ch)[0] == "M" or ch in "\uff9e\uff9f" else 0
        if run > 30:
            return False
    nfkc = unicodedata.normalize("NFKC", path)
    return all(nfkc.count(ch) == path.count(ch) for ch in "/\\.%:;") and clean(path) and clean(nfkc) and segments(nfkc)


def is_root(text):
    return text == "/" or (plain_path(text) and not text.endswith("/"))


def under(path, root):
    return path.startswith(root if root == "/" else root + "/") or path == root


def host_labels(host):
    parts = host.split(".")
    good = len(host) <= 253 and all(re.fullmatch(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)", p) for p in parts)
    return 0 if not good or re.fullmatch(r"\d+|0[xX][0-9a-fA-F]*", parts[-1]) else len(parts)


def is_literal(host):
    if host.startswith("["):
        ip = address(host[1:-1]) if host.endswith("]") else None
        return ip is not None and ip.version == 6 and rfc5952(ip) == host[1:-1]
    ip = address(host)
    return ip is not None and ip.version == 4 and str(ip) == host


def rfc5952(ip):
    groups = [f"{int(g, 16):x}" for g in ip.exploded.split(":")]
    best = (0, 0)
    for start in range(8):
        n = 0
        while start + n < 8 and groups[start + n] == "0":
            n += 1
        if n > max(best[1], 1):
            best = (start, n)
    if best[1] == 0:
        return ":".join(groups)
    return ":".join(groups[: best[0]]) + "::" + ":".join(groups[best[0] + best[1] :])


def is_host_rule(rule, url):
    if rule == "*":
        return url
    if rule != rule.lower():
        return False
    if rule.startswith("*."):
        return host_labels(rule[2:]) >= 2
    return host_labels(rule) >= (1 if url else 2) or (url and is_literal(rule))


LOCAL = set("localhost local internal intranet private corp home lan localdomain domain workgroup mshome host arpa test invalid example onion alt svc cluster docker kubernetes consul default kube-system kube-public kube-node-lease localnet intra priv prod".split())
METADATA = set("metadata.google.internal metadata.goog metadata.azure.internal metadata.tencentyun.com instance-data.ec2.internal metadata.platformequinix.com".split())


def host_ok(rules, host):
    for rule in rules:
        if rule == host:
            return True
        if host in METADATA or host_labels(host) < 2:
            continue
        stem = host if rule == "*" else host[: -len(rule) + 1] if rule.startswith("*.") and host.endswith(rule[1:]) else ""
        if stem and not any(p.startswith("xn--") for p in stem.split(".")) and (rule != "*" or host.split(".")[-1] not in LOCAL):
            return True
    return False


PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}


def plain_segments(path):
    parts = path[1:].split("/")
    for i, part in enumerate(parts):
        if part == "":
            if i < len(parts) - 1:
                return False
            continue
        try:
            raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m.group(1), 16)]), part.encode()).decode()
        except UnicodeDecodeError:
            return False
        for segment in {raw, raw.split(";")[0]}:
            if not segment or "/" in segment or not plain_path("/" + segment):
                return False
    return True


def url_ok(text, schemes, hosts, ports, paths):
    found = re.fullmatch(r"(https|http|wss|ws)://(\[[^\]/?#@]*\]|[^\[\]:/?#@]*)(?::(\d*))?((?:/[^?#\[\]]*)?)((?:[?#][^\[\]]*)?)", text)
    if not found or re.search(r"[^\x21-\x7e]|[\"<>\\^`{|}]|%(?![0-9A-Fa-f]{2})", text):
        return False
    scheme, host, port, path, rest = found.groups()
    host = host.lower()
    if (rest and not path) or (host_labels(host) == 0 and not is_literal(host)):
        return False
    if port is not None and not (re.fullmatch(r"[1-9]\d{0,4}", port) and int(port) <= 65535):
        return False
    number = PORTS[scheme] if port is None else int(port)
    if scheme not in (["https"] if schemes is None else schemes) or not host_ok(hosts, host):
        return False
    if number not in ([PORTS[scheme]] if ports is None else ports):
        return False
    if paths is None:
        return True
    path = path or "/"
    return plain_segments(path) and any(under(path, root) for root in paths)


def mail_ok(text, domains):
    local, at, domain = text.partition("@")
    return (
        at == "@"
        and len(text) <= 254
        and 1 <= len(local) <= 64
        and re.fullmatch(r"[A-Za-z0-9._+\-'=~&]+", local) is not None
        and local[0] not in "-."
        and local[-1] != "."
        and ".." not in local
        and host_labels(domain) >= 2
        and host_ok(domains, domain.lower())
    )


class Set:
    """Code points, as ranges with both ends in them."""

    def __init__(self, *ranges, negated=False):
        self.ranges, self.negated = ranges, negated

    def holds(self, code):
        return any(low <= code <= high for low, high in self.ranges) != self.negated


DIGIT, WORD, SPACE = ((48, 57),), ((48, 57), (65, 90), (95, 95), (97, 122)), ((9, 13), (32, 32))
ENDS = ((10, 10), (13, 13), (0x2028, 0x2029))
KINDS = {"d": DIGIT, "w": WORD, "s": SPACE}


def complement(ranges):
    out, low = [], 0
    for start, end in sorted(ranges):
        if start > low:
            out.append((low, start - 1))
        low = max(low, end + 1)
    return (*out, (low, 0x10FFFF))


class Pattern:
    """Section 9. A piece is a Set, ("seq", pieces), ("or", pieces) or ("rep", piece, min, max or None)."""

    def __init__(self, text):
        need(len(text.encode()) <= 1024)
        self.text, self.at = text, 0
        self.root = self.alternatives(0)
        need(self.at == len(text))
        self.states = 1 + self.count(self.root)
        need(self.states <= 1024)
        self.fork, self.read, self.next = [], [], []
        self.accept = self.state()
        self.start = self.build(self.root, self.accept)

    def peek(self):
        return self.text[self.at : self.at + 1]

    def take(self, ch):
        if self.peek() != ch:
            return False
        self.at += 1
        return True

    def get(self):
        need(self.at < len(self.text))
        self.at += 1
        return self.text[self.at - 1]

    def alternatives(self, depth):
        need(depth <= 32)
        ways = [self.sequence(depth)]
        while self.take("|"):
            ways.append(self.sequence(depth))
        return ways[0] if len(ways) == 1 else ("or", ways)

    def sequence(self, depth):
        pieces = []
        while self.peek() not in ("", "|", ")"):
            pieces.append(self.repeated(self.piece(depth)))
        return pieces[0] if len(pieces) == 1 else ("seq", pieces)

    def piece(self, depth):
        ch = self.get()
        if ch == "(":
            need(not self.take("?") or self.take(":"))
            body = self.alternatives(depth + 1)
            need(self.take(")"))
            return body
        if ch == "[":
            return self.members()
        if ch == ".":
            return Set(*ENDS, negated=True)
        if ch == "\\":
            return Set(*self.escape())
        need(ch not in "^$*+?{}]")
        return Set((ord(ch), ord(ch)))

    def escape(self):
        ch = self.get()
        if ch.lower() in KINDS and ch.isascii():
            return KINDS[ch] if ch in KINDS else complement(KINDS[ch.lower()])
        if ch in "nrt":
            ch = {"n": "\n", "r": "\r", "t": "\t"}[ch]
        else:
            need(ch in "!\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~")
        return ((ord(ch), ord(ch)),)

    def members(self):
        negated, ranges = self.take("^"), []

        def member():
            ch = self.get()
            need(ch not in "[]")
            return self.escape() if ch == "\\" else ((ord(ch), ord(ch)),)

        def single(found):
            need(len(found) == 1 and found[0][0] == found[0][1])
            return found[0][0]

        while not self.take("]"):
            low = member()
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                pair = (single(low), single(member()))
                need(pair[0] <= pair[1])
                low = (pair,)
            ranges.extend(low)
        need(ranges)
        return Set(*ranges, negated=negated)

    def number(self):
        digits = re.compile("[0-9]+").match(self.text, self.at)
        need(digits)
        self.at = digits.end()
        need(int(digits.group()) <= 1024)
        return int(digits.group())

    def repeated(self, piece):
        low, high = 0, None
        if self.take("+"):
            low = 1
        elif self.take("?"):
            high = 1
        elif self.take("{"):
            low = high = self.number()
            if self.take(","):
                high = None if self.peek() == "}" else self.number()
            need(self.take("}") and (high is None or low <= high))
        elif not self.take("*"):
            return piece
        need(self.peek() not in ("*", "+", "?", "{"))
        return ("rep", piece, low, high)

    def count(self, piece):
        if isinstance(piece, Set):
            return 1
        if piece[0] == "seq":
            return max(1, sum(map(self.count, piece[1])))
        if piece[0] == "or":
            return sum(map(self.count, piece[1])) + len(piece[1]) - 1
        _, body, low, high = piece
        s = self.count(body)
        return 1 + low * s + (s if high is None else (high - low) * (s + 1))

    def state(self, read=None, following=None, fork=()):
        self.read.append(read), self.next.append(following), self.fork.append(list(fork))
        return len(self.read) - 1

    def build(self, piece, then):
        if isinstance(piece, Set):
            return self.state(piece, then)
        if piece[0] == "seq":
            for part in reversed(piece[1]):
                then = self.build(part, then)
            return then
        if piece[0] == "or":
            return self.state(fork=[self.build(way, then) for way in piece[1]])
        _, body, low, high = piece
        entry = self.state(fork=[then])
        if high is None:
            self.fork[entry].append(self.build(body, entry))
        else:
            for _ in range(high - low):
                entry = self.state(fork=[then, self.build(body, entry)])
        for _ in range(low):
            entry = self.build(body, entry)
        return entry

    def closure(self, states):
        seen, todo = set(), list(states)
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo.extend(self.fork[at])
        return seen

    def matches(self, text):
        now = self.closure([self.start])
        for ch in text:
            code = ord(ch)
            now = self.closure(self.next[i] for i in now if self.read[i] is not None and self.read[i].holds(code))
        return self.accept in now


def number(x):
    return isinstance(x, (int, float)) and not isinstance(x, bool)


class Work:
    """Steps that the constraints of one call have left."""

    def __init__(self):
        self.left = 2**22

    def spend(self, steps):
        self.left -= steps
        return self.left >= 0


def units(text):
    return len(text.encode("utf-16-le")) // 2


def compared(v):
    """Steps of comparing an object or a list with values; nothing for anything else."""

    def nodes(x):
        if not isinstance(x, (list, dict)):
            return 0
        return 1 + len(x) + sum(map(nodes, x.values() if isinstance(x, dict) else x))

    return 48 + 16 * nodes(v) if isinstance(v, (list, dict)) else 0


def parse_constraint(c, depth=1):
    """The test of a constraint: a function of a value (None for JSON null, ABSENT for no argument) and of Work."""
    need(depth <= 4 and isinstance(c, list) and len(c) > 0)
    kind, ops = c[0], c[1:]
    need(isinstance(kind, int) and not isinstance(kind, bool))

    def inner(x):
        need(not (isinstance(x, list) and x[:1] == [11]))
        return parse_constraint(x, depth + 1)

    def bounds(read):
        low, high = map(read, members(ops, 2))
        need(not (low is None and high is None) and not (None not in (low, high) and low > high))
        return (lambda n: (low is None or n >= low) and (high is None or n <= high))

    def bound(x):
        if x is None or (isinstance(x, int) and not isinstance(x, bool)):
            return x
        value = jvalue(x)
        need(isinstance(value, float))
        return value

    def text_list(x, good):
        return texts(x, good, 1)

    if kind == 1:
        value = jvalue(members(ops, 1)[0])
        return lambda v, w: v is not ABSENT and jsame(v, value) and w.spend(compared(v))
    if kind == 2:
        need(1 <= len(ops) <= 256)
        values = {canonical(jvalue(x)) for x in ops}
        return lambda v, w: v is not ABSENT and canonical(v) in values and w.spend(compared(v))
    if kind == 3:
        holds = bounds(bound)
        return lambda v, w: number(v) and holds(v)
    if kind == 4:
        holds = bounds(lambda x: None if x is None else whole(x))
        return lambda v, w: isinstance(v, (str, list)) and holds(len(v)) and (isinstance(v, list) or w.spend(units(v)))
    if kind == 5:
        source = members(ops, 1)[0]
        need(isinstance(source, str))
        pattern = Pattern(source)
        cost = lambda v: 768 + 32 * units(source) + (33 + units(v) + min(units(v) + 1, 64)) * pattern.states
        return lambda v, w: isinstance(v, str) and w.spend(cost(v)) and pattern.matches(v)
    if kind == 6:
        roots = text_list(ops, is_root)
        cost = lambda v: 16 + (4 if v.isascii() else 64) * units(v) + 4 * len(roots)
        return lambda v, w: isinstance(v, str) and w.spend(cost(v)) and plain_path(v) and any(under(v, r) for r in roots)
    if kind == 7:
        schemes, hosts, ports, paths = members(ops, 4)
        if schemes is not None:
            text_list(schemes, lambda s: s in PORTS)
        text_list(hosts, lambda h: is_host_rule(h, True))
        if ports is not None:
            need(isinstance(ports, list) and 1 <= len(ports) <= 256 and all(1 <= whole(p) <= 65535 for p in ports))
        if paths is not None:
            text_list(paths, lambda p: is_root(p) and re.fullmatch(r"[\x21-\x7e]+", p))
        rules = len(hosts) + len(paths or [])
        cost = lambda v: 16 + (4 if paths is None else 64 if "%" in v else 8) * units(v) + 4 * rules
        return lambda v, w: isinstance(v, str) and w.spend(cost(v)) and url_ok(v, schemes, hosts, ports, paths)
    if kind == 8:
        text_list(ops, lambda n: network(n) is not None)
        return lambda v, w: isinstance(v, str) and w.spend(256 + 8 * len(ops)) and in_networks(v, ops, True)
    if kind == 9:
        text_list(ops, lambda d: is_host_rule(d, False))
        return lambda v, w: isinstance(v, str) and w.spend(4 * (min(units(v), 256) + len(ops))) and mail_ok(v, ops)
    if kind == 10:
        test = inner(members(ops, 1)[0])
        return lambda v, w: isinstance(v, list) and len(v) > 0 and w.spend(4 * len(v)) and all(test(x, w) for x in v)
    if kind == 11:
        members(ops, 0)
        return lambda v, w: v is ABSENT
    need(kind == 12 and 2 <= len(ops) <= 256)
    tests = [inner(x) for x in ops]
    return lambda v, w: w.spend(4 * len(tests)) and all(test(v, w) for test in tests)


ABSENT = object()


# ---- Section 3: grant and caveats ---------------------------------------------------------------------------------


def read_budgets(x, in_grant):
    need(isinstance(x, list) and len(x) <= 16)
    for b in x:
        unit, limit, window, arg, pool, tools = members(b, 6)
        need(1 <= whole(unit) <= 5 and whole(limit) >= 0 and isinstance(window, int) and not isinstance(window, bool) and window >= -(2 ** 31) and (unit in (4, 5)) == (arg is not None))
        if arg is not None:
            name(arg)
        if pool is not None:
            need(in_grant)
            name(pool)
        if tools is not None:
            texts(tools, is_pattern, 1)
    pools = [(b[4], b[0], b[3], b[2]) for b in x if b[4] is not None]
    need(len(set(pools)) == len(pools))
    return x


def read_grant(data):
    g = dec(data)
    need(isinstance(g, Map) and set(g) <= {1, 2, 3, 4, 6, 7, 8, -1, -2, -3, -4, -5, -6, -7, -8, -9})
    need({1, 2, 4, 6, 7, -1, -2, -3, -4, -5} <= set(g))
    for key in (1, 2, 3, -1, -4):
        if key in g:
            name(g[key])
    need(whole(g[4]) > whole(g[6]))
    sized(g[7], 16)
    if 8 in g:
        need(isinstance(g[8], Map) and list(g[8]) == [1] and isinstance(g[8][1], Map))
        cose = g[8][1]
        need(list(cose) == [1, -1, -2] and whole(cose[1]) == 1 and whole(cose[-1]) == 6)
        g[8] = sized(cose[-2], 32)
    need(isinstance(g[-2], list) and len(g[-2]) in (1, 2))
    name(g[-2][0])
    for digest in g[-2][1:]:
        sized(digest, 32)
    name(members(g[-3], 2)[0])
    sized(g[-3][1], 32)
    texts(g[-5], is_pattern)
    if -6 in g:
        texts(g[-6], is_label)
    if -7 in g:
        texts(g[-7], is_pattern, 1)
    if -8 in g:
        need(len(read_budgets(g[-8], True)) > 0)
    if -9 in g:
        need(1 <= whole(g[-9]) <= 16)
    return g


def plain_http_path(path):
    if len(path) > 1024 or not re.fullmatch(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*", path):
        return False
    if path == "/":
        return True
    parts = (path[:-1] if path.endswith("/") else path)[1:].split("/")
    return not any(p in ("", ".", "..") for p in parts) and not re.search(r"(?i)%2e", path) and plain_segments(path)


def http_pattern(text):
    stem = text[:-2] if text.endswith("/*") else text
    return len(text) <= 1024 and "*" not in stem and (text == "/*" if stem == "" else plain_http_path(stem))


def read_caveat(data):
    kind, body = members(dec(data), 2)
    kind = whole(kind)
    if kind == 1:
        for bound in members(body, 2):
            if bound is not None:
                whole(bound)
        need(body != [None, None])
    elif kind == 2:
        texts(body, is_name)
    elif kind == 3:
        texts(body, is_pattern)
    elif kind == 4:
        texts(body, is_pattern, 1)
    elif kind == 5:
        tools, args, closed = members(body, 3)
        texts(tools, is_pattern, 1)
        need(isinstance(args, Map) and len(args) <= 256 and isinstance(closed, bool) and (closed or args))
        for key in args:
            name(key)
        body = (tools, {key: parse_constraint(c) for key, c in args.items()}, closed)
    elif kind == 6:
        texts(body, is_label)
    elif kind == 7:
        read_budgets(body, False)
    elif kind == 8:
        whole(body)
    elif kind == 9:
        fields, signature = members(body, 2)
        need(isinstance(fields, bytes))
        to, text, time, nonce = members(dec(fields), 4)
        sized(to, 32), name(text), whole(time), sized(nonce, 16), sized(signature, 64)
        body = (fields, signature, to)
    elif kind == 10:
        sized(members(body, 2)[0], 32), sized(body[1], 64)
    elif kind == 11:
        methods, paths = members(body, 2)
        texts(methods, lambda m: re.fullmatch("[A-Z]{1,32}", m)), texts(paths, http_pattern)
    elif kind == 12:
        texts(body, lambda n: network(n) is not None)
    elif kind == 13:
        need(body is None)
    elif kind == 14:
        need(isinstance(body, str) and is_note(body))
    elif kind == 15:
        texts(members(body, 2)[0], is_pattern, 1)
        need(1 <= whole(body[1]) <= 3)
    else:
        raise Malformed
    return kind, body


# ---- Sections 4 to 7: the verifier --------------------------------------------------------------------------------


def selectors(data):
    """Section 5, step 3: issuer, audience, key id; all else up to the key id is passed over."""

    def skip(at, depth):
        if at < len(data) and data[at] >> 5 == 7:
            return item(data, at, 0)[1]
        major, n, at = argument(data, at)
        need(n <= MAX and major != 6 and not (major == 1 and n >= MAX))
        if major in (2, 3):
            need(at + n <= len(data) and (major == 2 or n <= 1024))
            return at + n
        if major in (4, 5):
            n *= 2 if major == 5 else 1
            need(depth > 0 and n <= len(data) - at)
            for _ in range(n):
                at = skip(at, depth - 1)
        return at

    major, n, at = argument(data, 0)
    need(major == 5 and 2 * n <= len(data) - at)
    found, previous = {}, b""
    for _ in range(n):
        start = at
        key, at = item(data, at, 0)
        need(isinstance(key, int) and not isinstance(key, bool) and data[start:at] > previous)
        previous = data[start:at]
        if key in (1, 3, -1):
            found[key], at = item(data, at, 0)
            need(isinstance(found[key], str) and len(found[key].encode()) <= 256)
        else:
            at = skip(at, 8)
        if key == -1:
            break
    need(1 in found and -1 in found)
    return found[1], found.get(3), found[-1]


class Token:
    def __init__(self, grant, caveats, items):
        self.grant, self.caveats = grant, caveats
        self.wire = [enc(i) for i in items]
        self.holder = grant.get(8)
        self.sealed = False

    def D(self, i):
        return sha(label("prefix"), b"\1", *self.wire[: i + 1])

    def expires(self):
        return min([self.grant[4]] + [b[1] for k, b in self.caveats if k == 1 and b[1] is not None])


class Verifier:
    def __init__(self, v):
        self.audience = v["audience"]
        self.keys = {(k["issuer"], k["audience"], k["keyId"]): (bytes.fromhex(k["key"]), k["retired"]) for k in v["keys"]}
        self.by_mac = {(k["issuer"], k["audience"]) for k in v["keys"]}
        self.seals = [(bytes.fromhex(s["key"]), s["issuer"], s.get("operators")) for s in v.get("seals", [])]
        self.federated = v.get("federated", [])
        self.require_seal, self.bearer = v.get("requireSeal", False), v.get("bearer", False)
        self.signed_tools = v.get("signedProofTools", [])
        self.sessions = v.get("sessions")
        self.open = {}
        self.highest = 0
        self.age, self.skew = 60, 30

    def authenticate(self, text):
        try:
            need(text.startswith("amb1_") and len(text) <= 5 + 21846)
            data = unb64(text[5:])
            need(len(data) <= 16384)
            version, grant_bytes, caveat_bytes, tail = members(dec(data), 4)
            need(version == 1 and version is not True and isinstance(grant_bytes, bytes) and isinstance(caveat_bytes, list))
            need(len(caveat_bytes) <= 128 and all(isinstance(c, bytes) for c in caveat_bytes))
            sized(tail, 32)
            issuer, audience, key_id = selectors(grant_bytes)
        except Malformed:
            raise Deny("token_invalid") from None
        if audience is not None and audience != self.audience:
            raise Deny("wrong_audience")
        if (issuer, audience) in self.by_mac:
            entry = self.keys.get((issuer, audience, key_id))
            if entry is None:
                raise Deny("token_invalid")
            s = mac(entry[0], label("grant"), b"\1", grant_bytes)
            for c in caveat_bytes:
                s = mac(s, c)
            if not hmac.compare_digest(s, tail):
                raise Deny("token_invalid")
            if entry[1]:
                raise Deny("key_retired")
            signatures = False
        elif issuer in self.federated:
            signatures = True
        else:
            raise Deny("token_invalid")
        try:
            token = Token(read_grant(grant_bytes), [read_caveat(c) for c in caveat_bytes], [grant_bytes, *caveat_bytes])
        except Malformed:
            raise Deny("token_invalid") from None
        self.chain(token)
        if not token.sealed and (signatures or self.require_seal):
            raise Deny("seal_required")
        if token.holder is None and not self.bearer:
            raise Deny("bearer_refused")
        if not token.sealed and any(b[4] is not None for b in token.grant.get(-8, [])):
            raise Deny("seal_required", -1)
        return token

    def chain(self, token):
        grant, caveats = token.grant, token.caveats
        counters = len(grant.get(-8, [])) + sum(len(b) for k, b in caveats if k == 7)
        delegates = [b for k, b in caveats if k == 9]
        if counters > 16 or len(delegates) > 16:
            raise Deny("token_invalid")
        if token.holder is None and (delegates or -9 in grant):
            raise Deny("delegation_invalid")
        left = grant.get(-9, 0)
        for kind, body in caveats:
            if kind == 8:
                left = min(left, body)
            elif kind == 9:
                if left <= 0:
                    raise Deny("delegation_exceeded")
                left -= 1
        keys = [token.holder, *(b[2] for b in delegates)]
        if len(set(keys)) != len(keys):
            raise Deny("delegation_invalid")
        kinds = [k for k, _ in caveats]
        if kinds.count(10) > 1 or (10 in kinds and 9 in kinds[: kinds.index(10)]):
            raise Deny("seal_invalid")
        for i, (kind, body) in enumerate(caveats):
            if kind == 9:
                fields, signature, to = body
                if not verify(token.holder, label("delegate") + token.D(i) + fields, signature):
                    raise Deny("delegation_invalid", i)
                token.holder = to
            elif kind == 10:
                pins = [s for s in self.seals if s[0] == body[0]]
                if not pins:
                    continue
                pinned = any(p[1] == grant[1] and (p[2] is None or grant[-2][0] in p[2]) for p in pins)
                if not pinned or not verify(body[0], label("seal") + token.D(i), body[1]):
                    raise Deny("seal_invalid", i)
                token.sealed = True

    def statement(self, token, call, time, fresh):
        http = call["http"]
        if http is not None:
            body = sha(label("body"), http["body"].encode()) if http.get("body") else None
            http = [http["method"], http["origin"], http["target"], body]
        args = sha(label("arguments"), canonical(call["args"]).encode())
        digest = token.D(len(token.caveats))
        return enc([self.audience, digest, call["tool"], args, time, fresh, sha(label("context"), enc(http))])

    def verify(self, text, proof, call, now):
        """The genuine token, proved; and the replay claim, if any."""
        token = self.authenticate(text)
        self.highest = now = max(self.highest, now)
        self.times(token, now)
        if token.holder is None:
            if proof is not None:
                raise Deny("proof_invalid")
            return token, None
        if proof is None:
            raise Deny("proof_missing")
        try:
            need(proof.startswith("ambp1_"))
            data = unb64(proof[6:])
            need(len(data) <= 640)
            body = dec(data)
            need(isinstance(body, list) and len(body) > 0)
            kind = whole(body[0])
            if kind == 1:
                _, time, nonce, signature = members(body, 4)
                sized(nonce, 16), sized(signature, 64)
            elif kind == 2:
                _, sid, sequence, time, tag = members(body, 5)
                sized(sid, 32), whole(sequence), sized(tag, 32)
            else:
                need(kind == 3)
                _, ticket, signature, sequence, time, tag = members(body, 6)
                need(isinstance(ticket, bytes))
                sized(signature, 64), whole(sequence), sized(tag, 32)
            whole(time)
        except Malformed:
            raise Deny("proof_invalid") from None
        if time > now + 30 or time < now - 60:
            raise Deny("proof_expired")
        if kind == 1:
            if not verify(token.holder, label("statement-signed") + self.statement(token, call, time, nonce), signature):
                raise Deny("proof_invalid")
            rid = b64(sha(label("counter"), enc(["replay", token.holder, self.audience, nonce])))
            return token, {"id": rid, "time": time}
        if match_any(self.signed_tools, call["tool"]) or self.sessions is None:
            raise Deny("proof_signature_required")
        new = False
        self.open = {k: s for k, s in self.open.items() if now < s["expires"]}
        if kind == 2:
            session = self.open.get(sid)
            if session is None:
                raise Deny("session_unknown")
        else:
            sid = sha(ticket, signature)
            session = self.open.get(sid)
            if session is None:
                session, new = self.opening(ticket, signature, sid, token, now), True
        st = self.statement(token, call, time, [sid, sequence])
        if not hmac.compare_digest(mac(session["key"], label("statement-session"), st), tag):
            raise Deny("proof_invalid")
        if session["holder"] != token.holder:
            raise Deny("proof_invalid")
        if new:
            mine = sum(s["holder"] == token.holder for s in self.open.values())
            kin = sum(s["root"] == session["root"] for s in self.open.values())
            bounds = self.sessions
            if mine >= bounds.get("perHolder", 8) or kin >= bounds.get("perRoot", 64) or len(self.open) >= bounds.get("total", 4096):
                raise Deny("session_limit")
            self.open[sid] = session
        if self.sessions.get("shared", False):
            return token, {"session": b64(sid), "sequence": sequence, "expires": session["expires"], "epoch": self.sessions["epoch"]}
        high = max(session["seen"], default=-1)
        if sequence > high + 1024 or sequence <= high - 1024:
            raise Deny("proof_invalid")
        if sequence in session["seen"]:
            raise Deny("replayed")
        session["seen"].add(sequence)
        return token, None

    def opening(self, ticket, signature, sid, token, now):
        secret = bytes.fromhex(self.sessions["key"])
        public = x25519(secret, (9).to_bytes(32, "little"))
        try:
            need(len(ticket) <= 512)
            holder, ephemeral, audience, verifier, epoch, issued, expires, nonce = members(dec(ticket), 8)
            sized(holder, 32), sized(ephemeral, 32), sized(verifier, 32), sized(epoch, 16), sized(nonce, 16)
            whole(issued), whole(expires)
            need(holder == token.holder and audience == self.audience and verifier == public)
            need(epoch == bytes.fromhex(self.sessions["epoch"]))
            need(0 < expires - issued <= 300 and expires <= token.expires() and issued <= now + 30)
        except Malformed:
            raise Deny("ticket_invalid") from None
        if now >= expires:
            raise Deny("ticket_expired")
        if not verify(holder, label("ticket") + ticket, signature):
            raise Deny("ticket_invalid")
        shared = x25519(secret, ephemeral)
        if shared is None:
            raise Deny("ticket_invalid")
        key = hkdf(shared, sid, label("session-key") + verifier + ephemeral + holder)
        return {"key": key, "holder": holder, "root": token.D(0), "expires": expires, "seen": set()}

    # Section 5, step 13; and again in section 6.
    def times(self, token, now):
        for i, (kind, body) in [(-1, (1, [token.grant[6], token.grant[4]])), *enumerate(token.caveats)]:
            if kind == 1 and body[0] is not None and body[0] > now + 30:
                raise Deny("not_yet_valid", i)
            if kind == 1 and body[1] is not None and now >= body[1]:
                raise Deny("expired", i)

    # Section 6.
    def clear(self, token, claim, call, facts, ledger):
        now, tool, grant = max(facts["now"], self.highest), call["tool"], token.grant

        def data(labels, i):
            if facts.get("data") is None:
                raise Deny("data_unknown", i)
            if not all(any(covers(s, x) for s in labels) for x in facts["data"]):
                raise Deny("data_refused", i)

        def require(condition, code, i):
            if not condition:
                raise Deny(code, i)

        require(now + 30 >= grant[6], "not_yet_valid", -1)
        require(now < grant[4], "expired", -1)
        require(match_any(grant[-5], tool), "tool_not_granted", -1)
        require(not match_any(grant.get(-7, []), tool), "tool_denied", -1)
        data(grant.get(-6, []), -1)
        work = Work()
        for i, (kind, body) in enumerate(token.caveats):
            if kind == 1:
                require(body[0] is None or body[0] <= now + 30, "not_yet_valid", i)
                require(body[1] is None or now < body[1], "expired", i)
            elif kind == 2:
                require(self.audience in body, "audience_refused", i)
            elif kind == 3:
                require(match_any(body, tool), "tool_not_granted", i)
            elif kind == 4:
                require(not match_any(body, tool), "tool_denied", i)
            elif kind == 5 and match_any(body[0], tool):
                args = call["args"]
                hold = (work.spend(4) and test(args.get(key, ABSENT), work) for key, test in body[1].items())
                require(all(hold), "argument_refused", i)
                require(not body[2] or set(args) <= set(body[1]), "argument_refused", i)
            elif kind == 6:
                data(body, i)
            elif kind == 11:
                http = call["http"]
                require(http is not None, "fact_missing", i)
                path = http["target"].split("?")[0]
                below = [p == path or (p.endswith("/*") and path.startswith(p[:-1]) and len(path) > len(p) - 1) for p in body[1]]
                require(http["method"] in body[0] and plain_http_path(path) and any(below), "http_refused", i)
            elif kind == 12:
                require(facts.get("address") is not None, "fact_missing", i)
                require(in_networks(facts["address"], body, False), "net_refused", i)
            elif kind == 15 and match_any(body[0], tool):
                flow = facts.get("flow")
                require(flow is not None, "fact_missing", i)
                if flow["untrusted"] and not flow["approved"]:
                    require(body[1] != 3, "approval_required", i)
                    require(body[1] == 2 and flow["destinationsNamed"], "flow_refused", i)
        charges = self.charges(token, claim, call, facts, now)
        if charges["counters"] or charges["once"] or charges["replay"] or charges["sequence"]:
            require(ledger is not None, "ledger_required", None)
            ledger.apply(charges, math.floor(now))
        return charges

    def charges(self, token, claim, call, facts, now):
        grant, counters, once, replay, sequence = token.grant, [], [], None, None
        if claim is not None and "time" in claim:
            ends = math.ceil(max(claim["time"], now)) + self.age + self.skew + 1
            replay = {"id": claim["id"], "from": max(0, math.floor(claim["time"] - self.skew)), "expires": ends, "caveat": -1}
        elif claim is not None:
            sequence = claim

        def identify(value):
            return b64(sha(label("counter"), enc(value)))

        lists = [(-1, grant.get(-8, []))] + [(i, b) for i, (k, b) in enumerate(token.caveats) if k == 7]
        meters = [(i, n, b) for i, budgets in lists for n, b in (list(enumerate(budgets)) or ([(0, None)] if i >= 0 else []))]
        meters += [(i, 0, "once") for i, (k, _) in enumerate(token.caveats) if k == 13]
        for i, n, b in sorted(meters, key=lambda m: (m[0], m[1])):
            if b == "once":
                once.append({"id": identify(["once", token.D(i + 1)]), "expires": grant[4], "caveat": i})
                continue
            if b is None:
                raise Deny("budget_exceeded", i)
            unit, limit, window, arg, pool, tools = b
            if tools is not None and not match_any(tools, call["tool"]):
                continue
            if unit == 1:
                amount = 1
            elif unit == 2:
                amount = 0 if facts.get("external") is False else 1
            elif unit == 3:
                amount = facts.get("bytes")
                if amount is None:
                    raise Deny("fact_missing", i)
            elif unit == 4:
                amount = call["args"].get(arg)
            else:
                amount = facts.get("cost", {}).get(arg)
                if amount is None:
                    raise Deny("fact_missing", i)
            if isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount <= MAX:
                raise Deny("budget_amount", i)
            if amount > limit:
                raise Deny("budget_exceeded", i)
            if amount == 0:
                continue
            key = [token.D(i + 1), n, unit, arg, window] if pool is None else ["pool", grant[1], pool, unit, arg, window]
            step = -(window // 60) if window < 0 else 0
            start = 0 if window == 0 else math.floor(now) // (step or window) * (step or window)
            last = grant[4] if pool is None else 2 ** 33
            end = last if window == 0 else min(last, start + span(abs(window), step))
            c = {"id": identify(key), "unit": ["calls", "external", "bytes", "sum", "cost"][unit - 1], "amount": amount, "limit": limit, "window": abs(window), "step": step, "windowStart": start, "expires": end, "caveat": i}
            counters.append(c if arg is None else {**c, "argument": arg})
        if not counters and not once and replay is None and sequence is None:
            return {"root": "", "partitionKey": "", "counters": [], "once": [], "replay": None, "sequence": None}
        root = b64(token.D(0))
        pooled = any(b[4] is not None for b in grant.get(-8, []))
        place = identify(["place", grant[1]]) if pooled else root
        return {"root": root, "partitionKey": place, "counters": counters, "once": once, "replay": replay, "sequence": sequence}


def span(window, step):
    return window if step == 0 else (-(-window // step) + 1) * step


class Ledger:
    """Section 6. `now` is its own clock as well; it drops what ended 60 s ago."""

    def __init__(self, epoch, rows_per_token=1024):
        self.epoch = epoch
        self.most, self.clock, self.swept = rows_per_token, 0, 0
        self.counters, self.claims, self.windows = {}, {}, {}

    def apply(self, charges, now):
        self.clock = max(self.clock, now)
        self.swept = max(self.swept, min(now, self.clock) - 60)
        self.counters = {k: r for k, r in self.counters.items() if r["expires"] > self.swept}
        self.claims = {k: r for k, r in self.claims.items() if r["expires"] > self.swept}
        replay, root, fresh, last = charges["replay"], charges["root"], 0, None
        if replay and (replay["id"] in self.claims or replay["expires"] <= self.swept):
            raise Deny("replayed", -1)
        for o in charges["once"]:
            if o["id"] in self.claims or o["expires"] <= self.swept:
                raise Deny("once_used", o["caveat"])
            fresh, last = fresh + 1, o["caveat"]
        after, newest = {}, None
        for c in charges["counters"]:
            row = self.counters.get(c["id"])
            if row is None and c["caveat"] >= 0:
                fresh, newest = fresh + 1, c["caveat"]
            start, step = c["windowStart"], c.get("step", 0)
            if step and start + step > self.clock - 60:
                start = self.clock // step * step
            if step:
                row = row or {"start": 0, "used": 0, "expires": 0, "root": root if c["caveat"] >= 0 else None, "steps": {}}
                start = max(row["start"], start)
                steps = {at: n for at, n in row["steps"].items() if at + span(c["window"], step) > start}
                row = {**row, "start": start, "steps": steps, "used": sum(steps.values())}
            elif row is None or row["start"] < start:
                row = {"start": c["windowStart"], "used": 0, "expires": 0, "root": root if c["caveat"] >= 0 else None}
            gone = c["expires"] <= self.swept or c["windowStart"] > self.clock + 60
            if gone or row["used"] + c["amount"] > c["limit"]:
                raise Deny("budget_exceeded", c["caveat"])
            ends = max(row["expires"], c["expires"]) if step or row["start"] == c["windowStart"] else row["expires"]
            after[c["id"]] = {**row, "used": row["used"] + c["amount"], "expires": ends}
            if step:
                after[c["id"]]["steps"] = {**row["steps"], start: row["steps"].get(start, 0) + c["amount"]}
        kept = sum(r["root"] == root for r in [*self.counters.values(), *self.claims.values()])
        if fresh and kept + fresh > self.most:
            raise Deny("budget_exceeded", newest if last is None else last)
        if charges["sequence"]:
            session, number = charges["sequence"]["session"], charges["sequence"]["sequence"]
            seen = self.windows.get(session, set())
            high = max(seen, default=-1)
            if charges["sequence"]["epoch"] != self.epoch or charges["sequence"]["expires"] <= self.swept or number in seen or not high - 1024 < number <= high + 1024:
                raise Deny("replayed", -1)
            self.windows[session] = seen | {number}
        self.counters.update(after)
        for o in charges["once"]:
            self.claims[o["id"]] = {"expires": o["expires"], "root": root if o["caveat"] >= 0 else None}
        if replay:
            self.claims[replay["id"]] = {"expires": replay["expires"], "root": None}


# ---- The vectors --------------------------------------------------------------------------------------------------


def take_call(c):
    if not is_tool(c["tool"]):
        raise Deny("tool_invalid")
    args, http = take_arguments(c["args"]), c.get("http")
    if http is not None:
        forms = {"method": r"[A-Z]{1,32}", "origin": r"https?://[\x21\x22\x24-\x2e\x30-\x3e\x41-\x5b\x5d-\x7e]+", "target": r"/[\x21-\x7e]*"}
        if not all(re.fullmatch(form, http[key]) for key, form in forms.items()):
            raise Deny("request_invalid")
    return {"tool": c["tool"], "args": args, "http": http}


def step(verifier, ledger, s):
    try:
        if "call" not in s:
            verifier.authenticate(s["token"])
            return {"code": "ok"}
        call = take_call(s["call"])
        token, replay = verifier.verify(s["token"], s.get("proof"), call, s["now"])
        if "facts" not in s:
            return {"code": "ok"}
        used = None if s.get("ledger") is False else ledger
        return {"code": "ok", "charges": verifier.clear(token, replay, call, s["facts"], used)}
    except Deny as d:
        return {"code": d.code} if d.caveat is None else {"code": d.code, "caveat": d.caveat}


def checked(prefix, text):
    need(text.startswith(prefix) and len(text) <= 4096)
    data = unb64(text[len(prefix) :])
    need(len(data) >= 4 and sha(prefix.encode(), data[:-4])[:4] == data[-4:])
    return data[:-4]


def is_text(c):
    """Whether a text is of the form it is said to be (section 1)."""
    text = c["text"]
    try:
        if c["form"] in ("public key", "secret key"):
            sized(checked(f"amb{'pub' if c['form'] == 'public key' else 'sec'}_{c['use']}_", text), 32)
        elif c["form"] == "verification key":
            issuer, key_id, audience, key, retired = members(dec(checked("ambsec_verification_", text)), 5)
            name(issuer), name(key_id), name(audience), sized(key, 32)
            need(isinstance(retired, bool))
        elif c["form"] == "offer":
            need(text.startswith("ambo1_"))
            audience, key, epoch = members(dec(unb64(text[6:])), 3)
            name(audience), sized(key, 32), sized(epoch, 16)
        else:
            need(text.startswith("ambe1_"))
            data = unb64(text[6:])
            version, grant, caveats = members(dec(data), 3)
            need(version == 1 and version is not True and isinstance(caveats, list) and len(caveats) <= 128 and len(data) <= 16384)
            read_grant(grant), [read_caveat(c) for c in caveats]
    except Malformed:
        return False
    return True


def load(file):
    with open(os.path.join(HERE, file), encoding="utf-8") as f:
        return json.load(f)


def whole_text(text):
    """A text that may be given as pieces, each so many times."""
    return "".join(piece * times for piece, times in text) if isinstance(text, list) else text


checks = failed = 0


def expect(what, got, wanted):
    global checks, failed
    checks += 1
    if got != wanted:
        failed += 1
        print(f"{what}: got {got}, expected {wanted}")


def main():
    for file in ("tokens.json", "proofs.json", "sessions.json", "decisions.json"):
        for vector in load(file):
            epoch = (vector["verifier"].get("sessions") or {}).get("epoch")
            verifier, ledger = Verifier(vector["verifier"]), Ledger(epoch, vector.get("ledger", {}).get("rowsPerToken", 1024))
            for i, s in enumerate(vector["steps"]):
                expect(f"{file}: {vector['name']}, step {i}", step(verifier, ledger, s), s["expect"])
            values = vector.get("intermediate", {})
            if "prefixDigests" in values:
                data = dec(unb64(vector["steps"][0]["token"][5:]))
                items = [data[1], *data[2]]
                s = mac(bytes.fromhex(values["key"]), label("grant"), b"\1", items[0])
                tails = [s] + [s := mac(s, c) for c in items[1:]]
                digests = [sha(label("prefix"), b"\1", *map(enc, items[: i + 1])) for i in range(len(items))]
                expect(vector["name"], [i.hex() for i in items], values["items"])
                expect(vector["name"], [t.hex() for t in tails], values["tails"])
                expect(vector["name"], [d.hex() for d in digests], values["prefixDigests"])
                kinds = [read_caveat(c)[0] for c in items[1:]]
                nodes = [b64(digests[0])] + [b64(digests[i + 1]) for i, k in enumerate(kinds) if k == 9]
                expect(vector["name"], nodes, values["nodes"])
                expect(vector["name"], "ambe1_" + b64(enc([1, items[0], items[1:]])), values["evidence"])
    for case in load("arguments.json"):
        given = whole_text(case["input"])
        try:
            text = canonical(take_arguments(given))
            got = {"code": "ok", "canonical": text, "digest": sha(label("arguments"), text.encode()).hex()}
            if given != case["input"]:
                del got["canonical"]
        except Deny as d:
            got = {"code": d.code}
        expect(f"arguments {given[:60]!r}", got, case["expect"])
    for case in load("constraints.json"):
        test = parse_constraint(dec(bytes.fromhex(case["constraint"])))
        for c in case["cases"]:
            text = whole_text(c["value"])
            value = ABSENT if text is None else take_arguments('{"v":' + text + "}")["v"]
            work = Work()
            expect(f"{case['description']} on {str(text)[:60]}", bool(work.spend(4) and test(value, work)), c["holds"])
    for case in load("encodings.json"):
        try:
            value, good = dec(bytes.fromhex(case["hex"])), True
            expect(f"encoding {case['hex']}", enc(value).hex(), case["hex"])
        except Malformed:
            good = False
        expect(f"encoding {case['hex'][:40]}", good, case["valid"])
    patterns = load("patterns.json")
    for c in patterns["tools"]:
        expect(f"{c['pattern']} on {c['tool']}", is_pattern(c["pattern"]) and match_tool(c["pattern"], c["tool"]), c["matches"])
    for c in patterns["names"]:
        expect(f"name {c['name'][:20]!r}", is_tool(c["name"]), c["valid"])
    for c in patterns["labels"]:
        expect(f"{c['scope']} over {c['label']}", covers(c["scope"], c["label"]), c["covers"])
    for c in patterns["regular"]:
        try:
            good = Pattern(c["pattern"]) is not None
        except Malformed:
            good = False
        expect(f"pattern {c['pattern'][:40]}", good, c["valid"])
    for c in load("texts.json"):
        expect(f"{c['form']}: {c['description']}", is_text(c), c["valid"])
    for c in load("signatures.json"):
        key, message, signature = (bytes.fromhex(c[k]) for k in ("publicKey", "message", "signature"))
        expect(f"signature: {c['description']}", verify(key, message, signature), c["valid"])
    for case in load("ledger.json"):
        ledger = Ledger("e0" * 16, case.get("rowsPerToken", 1024))
        for i, s in enumerate(case["steps"]):
            try:
                ledger.apply(s["charges"], s["now"])
                got = {"code": "ok"}
            except Deny as d:
                got = {"code": d.code, "caveat": d.caveat}
            expect(f"ledger: {case['name']}, step {i}", got, s["expect"])
    keys = load("keys.json")
    for n, value in keys["labels"].items():
        expect(f"label {n}", label(n).hex(), value)
    for k in keys["keys"]:
        secret = bytes.fromhex(k["secret"])
        prefix = f"ambsec_{k['use']}_"
        expect(k["name"], prefix + b64(secret + sha(prefix.encode(), secret)[:4]), k["secretText"])
        if k["use"] == "x25519":
            public = x25519(secret, (9).to_bytes(32, "little"))
        elif k["use"] != "root":
            a = int.from_bytes(hashlib.sha512(secret).digest()[:32], "little")
            public = compress(times((a & ~7 & ((1 << 255) - 1)) | 1 << 254, BASE))
        else:
            continue
        prefix = f"ambpub_{k['use']}_"
        expect(k["name"], public.hex(), k["public"])
        expect(k["name"], prefix + b64(public + sha(prefix.encode(), public)[:4]), k["publicText"])
    root = bytes.fromhex(keys["keys"][0]["secret"])
    for k in keys["derived"]:
        info = label("key") + enc([1, k["issuer"], k["keyId"], k["audience"]])
        expect("info", info.hex(), k["info"])
        expect("derived key", hkdf(root, None, info).hex(), k["key"])
        if "text" in k:
            prefix, payload = b"ambsec_verification_", enc([k["issuer"], k["keyId"], k["audience"], bytes.fromhex(k["key"]), False])
            expect("its text", prefix.decode() + b64(payload + sha(prefix, payload)[:4]), k["text"])
    print(f"{checks} checks, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

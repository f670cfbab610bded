// Reads an endless multipart JPEG stream by fetch, so that every picture's own headers
// (size, age, sequence) come with it and a late picture can be dropped before it is decoded.

const CRLF2 = [13, 10, 13, 10];

/** Call onPart({headers, jpeg}) for each part, until the stream ends or the signal aborts. */
export async function readParts(url, signal, onPart) {
  const response = await fetch(url, { signal, cache: "no-store" });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const reader = response.body.getReader();
  const buffer = new Buffer();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    buffer.append(value);
    for (let part = buffer.takePart(); part; part = buffer.takePart()) onPart(part);
  }
}

/** Bytes that have arrived and are not yet a whole part; holds little more than one part. */
class Buffer {
  bytes = new Uint8Array(1 << 18);
  start = 0;
  end = 0;
  part = null;

  append(chunk) {
    if (this.end + chunk.length > this.bytes.length) this.makeRoom(chunk.length);
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  makeRoom(more) {
    const held = this.bytes.subarray(this.start, this.end);
    const needed = held.length + more;
    const target = needed > this.bytes.length ? new Uint8Array(2 * needed) : this.bytes;
    target.set(held);
    this.bytes = target;
    this.end -= this.start;
    this.start = 0;
  }

  takePart() {
    this.part ??= this.takeHeaders();
    if (!this.part) return null;
    const length = Number(this.part["content-length"]);
    if (this.end - this.start < length) return null;
    const jpeg = this.bytes.slice(this.start, this.start + length);
    const headers = this.part;
    this.start += length;
    this.part = null;
    return { headers, jpeg };
  }

  /** The boundary line before the fields has no colon and is passed over. */
  takeHeaders() {
    const at = this.find(CRLF2);
    if (at < 0) return null;
    const text = new TextDecoder().decode(this.bytes.subarray(this.start, at));
    this.start = at + CRLF2.length;
    const fields = text.split("\r\n").map((line) => line.split(": "));
    return Object.fromEntries(fields.filter((field) => field.length === 2)
      .map(([name, value]) => [name.toLowerCase(), value]));
  }

  find(pattern) {
    for (let at = this.start; at + pattern.length <= this.end; at++) {
      if (pattern.every((byte, index) => this.bytes[at + index] === byte)) return at;
    }
    return -1;
  }
}

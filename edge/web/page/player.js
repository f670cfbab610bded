// Draws the live pair on one canvas: the camera left of the divider, the style right of it.

import { readParts } from "/stream.js";

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5000;
const STALLED_MS = 4000;

export class Player {
  split = 0.5;
  #canvas;
  #context;
  #onShape;
  #abort = null;
  #newest = null;
  #decoding = false;
  #bitmap = null;
  #shape = null;
  #drawing = false;
  #heard = 0;

  constructor(canvas, onShape) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.#onShape = onShape;
  }

  /** Play until stopped; comes back by itself, waiting longer each time it fails. */
  async start() {
    if (this.#abort) return;
    const abort = (this.#abort = new AbortController());
    this.#heard = performance.now();
    let wait = FIRST_WAIT_MS;
    while (!abort.signal.aborted) {
      try {
        await readParts("/stream.mjpg?kind=pair", abort.signal, (part) => {
          wait = FIRST_WAIT_MS;
          this.#heard = performance.now();
          this.#take(part);
        });
      } catch (error) {
        if (abort.signal.aborted) return;
      }
      await new Promise((done) => setTimeout(done, wait));
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    }
  }

  stop() {
    this.#abort?.abort();
    this.#abort = null;
    this.#newest = null;
  }

  /** Call while frames are known to come: a connection may die without a word (Wi-Fi). */
  restartIfStalled() {
    if (!this.#abort || performance.now() - this.#heard < STALLED_MS) return;
    this.stop();
    this.start();
  }

  moveSplit(split) {
    this.split = split;
    this.#requestDraw();
  }

  /** Keep only the newest part; decode one at a time. */
  async #take(part) {
    this.#newest = part;
    if (this.#decoding) return;
    this.#decoding = true;
    while (this.#newest) {
      const { headers, jpeg } = this.#newest;
      this.#newest = null;
      await this.#decode(headers, jpeg);
    }
    this.#decoding = false;
  }

  async #decode(headers, jpeg) {
    let bitmap;
    try {
      bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
    } catch (error) {
      return; // One damaged picture is skipped; the next is a few milliseconds away.
    }
    this.#bitmap?.close();
    this.#bitmap = bitmap;
    this.#setShape(headers["x-size"]);
    this.#requestDraw();
  }

  #setShape(shape) {
    if (shape === this.#shape) return;
    this.#shape = shape;
    const [width, height] = shape.split("x").map(Number);
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#onShape(width, height);
  }

  #requestDraw() {
    if (this.#drawing || !this.#bitmap) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw(this.#bitmap);
    });
  }

  #draw(bitmap) {
    const { width, height } = this.#canvas;
    const cut = Math.round(this.split * width);
    const styled = bitmap.height - height; // The camera is on top, some rows apart.
    if (cut > 0) {
      this.#context.drawImage(bitmap, 0, 0, cut, height, 0, 0, cut, height);
    }
    if (cut < width) {
      const rest = width - cut;
      this.#context.drawImage(bitmap, cut, styled, rest, height, cut, 0, rest, height);
    }
  }
}

// The simulated world, in WebAssembly: lines of text go in, JSON comes out.

class Engine {
  static async load(base64) {
    const bytes = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
    const { instance } = await WebAssembly.instantiate(bytes, {});
    return new Engine(instance.exports);
  }

  constructor(exports) {
    this.exports = exports;
  }

  answer(length) {
    const { memory, output } = this.exports;
    return new TextDecoder().decode(new Uint8Array(memory.buffer, output() >>> 0, length));
  }

  // Throws what is wrong with the line, if something is.
  obey(line) {
    const text = new TextEncoder().encode(line);
    const at = this.exports.input(text.length) >>> 0;
    new Uint8Array(this.exports.memory.buffer, at, text.length).set(text);
    const error = this.answer(this.exports.obey());
    if (error) throw new Error(error);
  }

  look() {
    return JSON.parse(this.answer(this.exports.look()));
  }

  timeline() {
    return JSON.parse(this.answer(this.exports.timeline()));
  }

  scenarios() {
    return JSON.parse(this.answer(this.exports.scenarios()));
  }
}

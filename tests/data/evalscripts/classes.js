//VERSION=3
// collections: sentinel-2-l2a
// A class with private fields, getters and inheritance.
class Index {
  #first;
  #second;
  constructor(first, second) {
    this.#first = first;
    this.#second = second;
  }
  of(sample) {
    return index(sample[this.#first], sample[this.#second]);
  }
}
class Scaled extends Index {
  get factor() {
    return 1000;
  }
  of(sample) {
    return super.of(sample) * this.factor;
  }
}
const vegetation = new Scaled("B08", "B04");
function setup() {
  return { input: ["B04", "B08"], output: { bands: 1, sampleType: "INT16" } };
}
function evaluatePixel(sample) {
  return [vegetation.of(sample)];
}

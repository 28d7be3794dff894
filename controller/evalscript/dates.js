// The dates of scenes, for both habits of published scripts: those that take them for text, as documented (`split`,
// `slice`, comparing with other text), and those that take them for a Date (`getTime()`, `getMonth()`, subtracting).
// Evaluates to one function, from text to a Date that is also text; the harness uses it where nothing is documented
// (`scenes[0].date`). Documented dates stay plain text, so that `typeof` and `===` do not change; every text gets the
// questions that a Date answers. Runs before the script and keeps its own copies of the built-ins.
(function () {
  "use strict";

  const { apply } = Reflect;
  const { defineProperty, getOwnPropertyNames } = Object;
  const [DateOf, toText] = [Date, String];
  const [dates, texts] = [Date.prototype, String.prototype];
  const { getTime, toISOString } = dates;
  // What a Date answers and a text does not, without what would change a Date.
  const QUESTIONS = [
    "getTime", "getTimezoneOffset", "getYear",
    "getFullYear", "getMonth", "getDate", "getDay", "getHours", "getMinutes", "getSeconds", "getMilliseconds",
    "getUTCFullYear", "getUTCMonth", "getUTCDate", "getUTCDay", "getUTCHours", "getUTCMinutes", "getUTCSeconds",
    "getUTCMilliseconds",
    "toDateString", "toTimeString", "toISOString", "toUTCString", "toLocaleDateString", "toLocaleTimeString",
  ];

  class DatedText extends DateOf {
    #text;
    #time;

    constructor(text) {
      super(text);
      this.#text = text;
      this.#time = apply(getTime, this, []);
    }

    // As it was given, until the script changes it.
    toString() {
      const time = apply(getTime, this, []);
      return time === this.#time || time !== time ? this.#text : apply(toISOString, this, []);
    }

    toJSON() {
      return this.toString();
    }

    [Symbol.toPrimitive](hint) {
      return hint === "number" ? apply(getTime, this, []) : this.toString();
    }

    get length() {
      return this.toString().length;
    }
  }

  function add(holder, name, value) {
    defineProperty(holder, name, { value, writable: true, configurable: true, enumerable: false });
  }

  // The methods of text work for whatever has a toString.
  for (const name of getOwnPropertyNames(texts)) {
    if (!(name in DatedText.prototype)) add(DatedText.prototype, name, texts[name]);
  }
  add(DatedText.prototype, "constructor", DateOf);

  for (const name of QUESTIONS) {
    const method = dates[name];
    add(texts, name, function (...options) {
      return apply(method, new DateOf(toText(this)), options);
    });
  }

  return (text) => new DatedText(text);
})()
//# sourceURL=dates.js

// Evaluated in a QuickJS context before an answer: makes everything that the language brings unchangeable, so
// that an answer cannot reach its tests by patching what they use. Assigning to an inherited built-in property
// (`this.name = …` in a class that extends Error) still makes an own property, as it would elsewhere.
// A global constant, so that tests can take their built-ins from here: QuickJS lets even an unchangeable property
// of the global object be defined anew.
const acrBuiltins = (() => {
  'use strict';
  const { defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf, hasOwn } = Object;
  const { ownKeys } = Reflect;
  const seen = new Set();

  const assignable = (object, key, value) =>
    defineProperty(object, key, {
      get: () => value,
      set(own) {
        if (this === object) throw new TypeError('built-ins cannot be changed');
        defineProperty(this, key, { value: own, writable: true, enumerable: true, configurable: true });
      },
      configurable: false,
    });

  const harden = (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value))
      return;
    seen.add(value);
    const isPrototype = hasOwn(value, 'constructor');
    for (const key of ownKeys(value)) {
      const d = getOwnPropertyDescriptor(value, key);
      harden(d.value);
      harden(d.get);
      harden(d.set);
      if (isPrototype && d.configurable && 'value' in d) assignable(value, key, d.value);
    }
    freeze(value);
    harden(getPrototypeOf(value));
  };

  const hidden = [
    function () {},
    function* () {},
    async function () {},
    async function* () {},
    [][Symbol.iterator](),
    ''[Symbol.iterator](),
    new Map()[Symbol.iterator](),
    new Set()[Symbol.iterator](),
    'a'.matchAll(/a/g),
  ];
  for (const value of hidden) harden(getPrototypeOf(value));
  const builtins = {};
  for (const key of ownKeys(globalThis)) {
    if (key === 'globalThis') continue;
    builtins[key] = globalThis[key];
    harden(builtins[key]);
  }
  return freeze(builtins);
})();

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { randomUUID } from 'node:crypto';
import { verifyAnswer } from './verify';

jest.setTimeout(60_000);

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
});
afterAll(() => sandbox.close());

const verify = (language: string, answer: string, tests: string) =>
  verifyAnswer({ prompt: 'Write it.', language, verification: { tests } }, answer, {
    sandbox,
    token: randomUUID,
  });

/** Objects, errors, promises and modules between tests and answers in JavaScript and TypeScript: title, language, answer, tests, a wrong answer. */
const CASES: [string, string, string, string, string][] = [
  [
    'a memo that calls itself through the tests',
    'javascript',
    'function memo(f){const c=new Map();return n=>{if(!c.has(n))c.set(n,f(n));return c.get(n)}}',
    "const assert=require('node:assert');\nlet n=0;const fib=memo(k=>{n++;return k<2?k:fib(k-1)+fib(k-2)});assert.strictEqual(fib(30),832040);assert.strictEqual(n,31);",
    'function memo(f){return n=>n<20?f(n):0}',
  ],
  [
    'callbacks that call the answer',
    'javascript',
    'class P{constructor(n){this.n=n} val(){return this.n}}\nfunction by(l,k){return [...l].sort((a,b)=>k(a)-k(b))}',
    "const assert=require('node:assert');\nconst r=by([new P(2),new P(1)],p=>p.val());assert.deepStrictEqual(r.map(p=>p.n),[1,2]);",
    'class P{constructor(n){this.n=n} val(){return this.n}}\nfunction by(l,k){return l}',
  ],
  [
    'timers of both',
    'javascript',
    'function every(f,ms){let n=0;const t=setInterval(()=>{if(++n>20)clearInterval(t);else f(n)},ms)}\nfunction id(x){return x}',
    "const assert=require('node:assert');\nlet got=0;every(n=>{got=n},1);const end=Date.now()+8000;while(got<20&&Date.now()<end){for(let i=0;i<50;i++)assert.strictEqual(id(i),i);await new Promise(r=>setTimeout(r,1))}assert.strictEqual(got,20);",
    'function every(f,ms){}\nfunction id(x){return x}',
  ],
  [
    'classes from exports',
    'javascript',
    'class Stack{#l=[];push(x){this.#l.push(x);return this} get size(){return this.#l.length} static of(...a){const s=new Stack();a.forEach(x=>s.push(x));return s}}\nmodule.exports={Stack, make:()=>new Stack()};',
    "const assert=require('node:assert');\nconst {Stack,make}=require('./answer');const lib=require('./answer');const s=new Stack();assert.strictEqual(s.push({a:1}).push(2),s);assert.strictEqual(s.size,2);assert.ok(make() instanceof Stack);assert.strictEqual(Stack.of(1,2,3).size,3);assert.ok(new lib.Stack() instanceof lib.Stack);",
    'class Stack{push(x){return {}}}\nmodule.exports={Stack,make:()=>({})};',
  ],
  [
    'instances of classes of the tests',
    'javascript',
    'function total(items){let t=0;for(const i of items)t+=i.price();return t}\nfunction names(o){return Object.keys(o)}\nfunction walk(n){const r=[];for(;n;n=n.next)r.push(n.v);return r}',
    "const assert=require('node:assert');\nclass I{constructor(p){this.p=p} price(){return this.p*2}}assert.strictEqual(total([new I(1),new I(2)]),6);class N{constructor(v,next=null){this.v=v;this.next=next}}assert.deepStrictEqual(walk(new N(1,new N(2))),[1,2]);assert.deepStrictEqual(names(new N(1)),['v','next']);class L{*[Symbol.iterator](){yield new I(4)}}assert.strictEqual(total(new L()),8);",
    'function total(){return 0}\nfunction names(o){return []}\nfunction walk(n){return []}',
  ],
  [
    'linked list reversed in place',
    'javascript',
    'function reverse(n){let b=null;while(n){[n.next,b,n]=[b,n,n.next]}return b}',
    "const assert=require('node:assert');\nclass N{constructor(v,next=null){this.v=v;this.next=next}}const c=new N(3),b=new N(2,c),a=new N(1,b);const r=reverse(a);assert.strictEqual(r,c);assert.strictEqual(c.next,b);assert.strictEqual(a.next,null);const p={v:1,next:{v:2,next:null}};const q=p.next;assert.strictEqual(reverse(p),q);assert.strictEqual(q.next,p);",
    'function reverse(n){return n}',
  ],
  [
    'the same error comes back',
    'javascript',
    'function run(f){try{return f()}catch(e){return Promise.reject(e)}}\nfunction wrap(f){try{f()}catch(e){throw new Error("wrapped",{cause:e})}}',
    "const assert=require('node:assert');\nclass Mine extends Error{}const e=new Mine('x');await assert.rejects(run(()=>{throw e}),x=>x===e);try{wrap(()=>{throw e});assert.fail()}catch(x){assert.strictEqual(x.message,'wrapped');assert.strictEqual(x.cause,e)}",
    'function run(f){return Promise.reject(new Error("x"))}\nfunction wrap(f){throw new Error("wrapped")}',
  ],
  [
    'async callbacks and order',
    'javascript',
    'async function mapLimit(l,n,f){const r=[];let i=0;await Promise.all(Array.from({length:n},async()=>{while(i<l.length){const k=i++;r[k]=await f(l[k])}}));return r}',
    "const assert=require('node:assert');\nlet on=0,most=0;const r=await mapLimit([1,2,3,4,5],2,async x=>{on++;most=Math.max(most,on);await new Promise(r=>setTimeout(r,5));on--;return x*2});assert.deepStrictEqual(r,[2,4,6,8,10]);assert.strictEqual(most,2);",
    'async function mapLimit(l,n,f){return Promise.all(l.map(f))}',
  ],
  [
    'promise utilities',
    'javascript',
    'function all(ps){return new Promise((res,rej)=>{const r=[];let n=ps.length;if(!n)res(r);ps.forEach((p,i)=>Promise.resolve(p).then(v=>{r[i]=v;if(--n===0)res(r)},rej))})}\nfunction retry(f,n){return f().catch(e=>n>1?retry(f,n-1):Promise.reject(e))}',
    "const assert=require('node:assert');\nconst o={};const r=await all([Promise.resolve(o),2,new Promise(s=>setTimeout(()=>s(3),5))]);assert.strictEqual(r[0],o);assert.deepStrictEqual(r,[{},2,3]);await assert.rejects(all([Promise.reject(new TypeError('t'))]),TypeError);let n=0;assert.strictEqual(await retry(async()=>{if(++n<3)throw new Error('no');return 'ok'},5),'ok');assert.strictEqual(n,3);",
    'function all(ps){return Promise.resolve([])}\nfunction retry(f){return f()}',
  ],
  [
    'event target and options with functions',
    'javascript',
    'function req(url,opt={}){opt.onStart?.(url);const h=opt.headers??{};opt.onEnd?.({url,n:Object.keys(h).length});return opt}',
    "const assert=require('node:assert');\nconst log=[];const o={headers:{a:1,b:2},onStart:u=>log.push(u),onEnd(e){log.push(e.n,this===o)}};assert.strictEqual(req('/x',o),o);assert.deepStrictEqual(log,['/x',2,true]);",
    'function req(url,opt){return opt}',
  ],
  [
    'matrix rotated in place',
    'javascript',
    'function rot(m){const n=m.length;for(let i=0;i<n;i++)for(let j=i;j<n;j++)[m[i][j],m[j][i]]=[m[j][i],m[i][j]];m.forEach(r=>r.reverse())}',
    "const assert=require('node:assert');\nconst m=Array.from({length:60},(_,i)=>Array.from({length:60},(_,j)=>i*60+j));const row=m[0];rot(m);assert.strictEqual(m[0],row);assert.deepStrictEqual(m[0].slice(0,2),[3540,3480]);assert.strictEqual(m[59][59],59);",
    'function rot(m){m.reverse()}',
  ],
  [
    'many calls with many objects',
    'javascript',
    'function sum(o){return o.l.reduce((a,b)=>a+b,0)}',
    "const assert=require('node:assert');\nfor(let i=0;i<5000;i++){const o={l:[i,1,2]};assert.strictEqual(sum(o),i+3)}",
    'function sum(o){return o.l.reduce((a,b)=>a+b,0)%4000}',
  ],
  [
    'a large array',
    'javascript',
    'function sorted(l){return [...l].sort((a,b)=>a-b)}\nfunction inPlace(l){l.sort((a,b)=>a-b)}',
    "const assert=require('node:assert');\nconst l=Array.from({length:200000},(_,i)=>(i*7919)%200003);const s=sorted(l);for(let i=1;i<s.length;i++)if(s[i-1]>s[i])throw new Error('no');inPlace(l);assert.deepStrictEqual(l,s);",
    'function sorted(l){return l}\nfunction inPlace(l){}',
  ],
  [
    'getters, setters, symbols, generators',
    'javascript',
    'class T{#c=0;get f(){return this.#c*9/5+32} set c(v){this.#c=v} *[Symbol.iterator](){yield 1;yield this.#c}}\nfunction* gen(n){for(let i=0;i<n;i++){const r=yield i;if(r)return r}}',
    "const assert=require('node:assert');\nconst t=new T();t.c=100;assert.strictEqual(t.f,212);assert.deepStrictEqual([...t],[1,100]);const g=gen(3);assert.deepStrictEqual(g.next(),{value:0,done:false});assert.deepStrictEqual(g.next('x'),{value:'x',done:true});",
    'class T{}\nfunction* gen(n){yield 1}',
  ],
  [
    'LRU with objects',
    'javascript',
    'class LRU{constructor(n){this.n=n;this.m=new Map()} get(k){if(!this.m.has(k))return;const v=this.m.get(k);this.m.delete(k);this.m.set(k,v);return v} set(k,v){this.m.delete(k);this.m.set(k,v);if(this.m.size>this.n)this.m.delete(this.m.keys().next().value)}}',
    "const assert=require('node:assert');\nconst c=new LRU(2),a={},b={},d={};c.set(a,1);c.set(b,2);c.get(a);c.set(d,3);assert.strictEqual(c.get(a),1);assert.strictEqual(c.get(b),undefined);assert.strictEqual(c.m instanceof Map,true);",
    'class LRU{constructor(n){this.m=new Map()} get(k){return this.m.get(k)} set(k,v){this.m.set(k,v)}}',
  ],
  [
    'typescript imports',
    'typescript',
    'export interface Opt { n: number }\nexport class Stack<T> { private l: T[] = []; push(x: T): this { this.l.push(x); return this } get size(): number { return this.l.length } }\nexport default function twice(x: number): number { return x * 2 }',
    "import twice, { Stack, type Opt } from './answer';\nimport type { Opt as O } from './answer';\nimport assert from 'node:assert';\nconst o: Opt = { n: 1 }; const s = new Stack<number>();\nassert.strictEqual(s.push(o.n).size, 1);\nassert.strictEqual(twice(2), 4);",
    'export class Stack<T> { push(x: T) { return this } size = 0 }\nexport default function twice(x: number) { return x }',
  ],
  [
    'vitest import',
    'typescript',
    'export const add = (a: number, b: number): number => a + b;',
    "import { describe, it, expect, vi } from 'vitest';\nimport { add } from '../src/add';\ndescribe('add', () => { it('adds', () => { expect(add(1, 2)).toBe(3); const f = vi.fn(); f(1); expect(f).toHaveBeenCalledWith(1); }); });",
    'export const add = (a: number, b: number): number => a - b;',
  ],
  [
    'a spy on a module',
    'javascript',
    'const fs=require("fs");function read(p){return fs.readFileSync(p,"utf8").trim()}',
    "const fs=require('fs');test('x',()=>{const s=jest.spyOn(fs,'readFileSync').mockReturnValue(' hi ');expect(read('/nope')).toBe('hi');expect(s).toHaveBeenCalledWith('/nope','utf8');s.mockRestore();});",
    'function read(p){return "hi"}',
  ],
  [
    'node:test and mock.fn',
    'javascript',
    'function each(l,f){l.forEach(x=>f(x))}',
    "const assert=require('node:assert');\nconst {test,mock}=require('node:test');test('x',()=>{const f=mock.fn();each([1,2],f);assert.strictEqual(f.mock.callCount(),2);assert.deepStrictEqual(f.mock.calls[0].arguments,[1]);});",
    'function each(l,f){}',
  ],
];

describe.each(CASES)('%s', (_what, language, right, tests, wrong) => {
  test('a right answer passes', async () => {
    const verdict = await verify(language, right, tests);
    expect(verdict.signals[0]).toMatchObject({ status: 'passed', evidence: { end: 'passed' } });
  });

  test('a wrong one does not', async () => {
    expect(await verify(language, wrong, tests)).toMatchObject({ passed: false, conclusive: true });
  });
});

describe('what cannot be carried over leaves the answer unverified, and says what would do', () => {
  test.each([
    [
      'jest.mock',
      'javascript',
      'const fs=require("fs");function read(p){return fs.readFileSync(p,"utf8").trim()}',
      "jest.mock('fs');const fs=require('fs');test('x',()=>{expect(read('/nope')).toBe('x')});",
    ],
  ])('%s', async (_what, language, answer, tests) => {
    const verdict = await verify(language, answer, tests);
    expect(verdict).toMatchObject({ passed: false, conclusive: false });
    expect(JSON.stringify(verdict.signals)).toMatch(/isolation.*shared/);
  });
});

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

/** What tests in JavaScript do with a right answer: identity, mocks, imports, patches: title, language, answer, tests, a wrong answer. */
const CASES: [string, string, string, string, string][] = [
  [
    'off(listener)',
    'javascript',
    'class Em{constructor(){this.m=new Map()} on(e,f){if(!this.m.has(e))this.m.set(e,[]);this.m.get(e).push(f);return this} off(e,f){this.m.set(e,(this.m.get(e)||[]).filter(g=>g!==f));return this} emit(e,...a){for(const f of [...(this.m.get(e)||[])])f(...a);return (this.m.get(e)||[]).length>0}}',
    "const assert=require('node:assert');\nconst e=new Em();let n=0;const f=()=>{n++};e.on('x',f);e.emit('x');e.off('x',f);e.emit('x');assert.strictEqual(n,1);",
    'class Em{constructor(){this.m=new Map()} on(e,f){if(!this.m.has(e))this.m.set(e,[]);this.m.get(e).push(f);return this} off(e,f){this.m.set(e,(this.m.get(e)||[]).filter(g=>true));return this} emit(e,...a){for(const f of [...(this.m.get(e)||[])])f(...a);return (this.m.get(e)||[]).length>0}}',
  ],
  [
    'Map keys that are objects',
    'javascript',
    'class Reg{constructor(){this.m=new Map()} set(k,v){this.m.set(k,v)} get(k){return this.m.get(k)}}',
    "const assert=require('node:assert');\nconst r=new Reg();const k={id:1};r.set(k,'a');assert.strictEqual(r.get(k),'a');assert.strictEqual(r.get({id:1}),undefined);",
    'class Reg{constructor(){this.m=new Map()} set(k,v){this.m.set(JSON.stringify(k),v)} get(k){return this.m.get(JSON.stringify(k))}}',
  ],
  [
    'WeakMap memo',
    'javascript',
    'function memo(f){const c=new WeakMap();return o=>{if(!c.has(o))c.set(o,f(o));return c.get(o)}}',
    "const assert=require('node:assert');\nlet n=0;const g=memo(o=>{n++;return o.a*2});const o={a:2};assert.strictEqual(g(o),4);assert.strictEqual(g(o),4);assert.strictEqual(n,1);assert.strictEqual(g({a:3}),6);assert.strictEqual(n,2);",
    'function memo(f){return o=>f(o)}',
  ],
  [
    'an object given back',
    'javascript',
    'class Stack{constructor(){this.l=[]} push(x){this.l.push(x)} pop(){return this.l.pop()} }',
    "const assert=require('node:assert');\nconst s=new Stack();const o={a:1};s.push(o);assert.ok(s.pop()===o);",
    'class Stack{constructor(){this.l=[]} push(x){this.l.push({...x})} pop(){return this.l.pop()} }',
  ],
  [
    'objects in arrays given back',
    'javascript',
    'function find(l,p){return l.find(p)}\nfunction uniq(l){return [...new Set(l)]}',
    "const assert=require('node:assert');\nconst a={n:1},b={n:2};assert.strictEqual(find([a,b],x=>x.n===2),b);const u=uniq([a,b,a]);assert.strictEqual(u.length,2);assert.ok(u[0]===a&&u[1]===b);",
    'function find(l,p){return {...l.find(p)}}\nfunction uniq(l){return l}',
  ],
  [
    'clone is another',
    'javascript',
    'function clone(o){return structuredClone(o)}',
    "const assert=require('node:assert');\nconst o={a:[1,{b:2}]};const c=clone(o);assert.deepStrictEqual(c,o);assert.notStrictEqual(c,o);assert.notStrictEqual(c.a,o.a);c.a[1].b=9;assert.strictEqual(o.a[1].b,2);",
    'function clone(o){return {...o}}',
  ],
  [
    'shallow copy shares',
    'javascript',
    'function copy(o){return {...o}}',
    "const assert=require('node:assert');\nconst o={a:{b:1}};const c=copy(o);assert.notStrictEqual(c,o);assert.strictEqual(c.a,o.a);",
    'function copy(o){return structuredClone(o)}',
  ],
  [
    'unsubscribe closure and Set of listeners',
    'javascript',
    'function store(init){let s=init;const ls=new Set();return{get:()=>s,set(v){s=v;for(const l of ls)l(s)},subscribe(l){ls.add(l);return()=>ls.delete(l)}}}',
    "const assert=require('node:assert');\nconst s=store(1);let got=[];const f=v=>got.push(v);const un=s.subscribe(f);s.subscribe(f);s.set(2);un();s.set(3);assert.deepStrictEqual(got,[2]);assert.strictEqual(s.get(),3);",
    'function store(init){let s=init;const ls=[];return{get:()=>s,set(v){s=v;for(const l of ls)l(s)},subscribe(l){ls.push(l);return()=>{}}}}',
  ],
  [
    'a list kept and changed by the tests later',
    'javascript',
    'class View{constructor(l){this.l=l} count(){return this.l.length}}',
    "const assert=require('node:assert');\nconst l=[1];const v=new View(l);assert.strictEqual(v.count(),1);l.push(2);assert.strictEqual(v.count(),2);",
    'class View{constructor(l){this.n=l.length} count(){return this.n}}',
  ],
  [
    'a list kept and changed by the answer later',
    'javascript',
    'let kept=[];function keep(l){kept=l}\nfunction add(x){kept.push(x)}',
    "const assert=require('node:assert');\nconst l=[];keep(l);add(1);add(2);assert.deepStrictEqual(l,[1,2]);",
    'function keep(l){}\nfunction add(x){}',
  ],
  [
    'this of callbacks and jest.fn()',
    'javascript',
    'function each(l,f,self){l.forEach(f,self)}\nfunction debounceNow(o){return o.run()}',
    "const assert=require('node:assert');\nconst seen=[];each([1,2],function(x){seen.push(x+this.k)},{k:10});assert.deepStrictEqual(seen,[11,12]);",
    'function each(l,f){l.forEach(x=>f.call({k:0},x))}',
  ],
  [
    'method call on bound context',
    'javascript',
    'function call(f,o,...a){return f.apply(o,a)}',
    "const assert=require('node:assert');\nconst o={k:2,m(x){return this.k*x}};assert.strictEqual(call(o.m,o,21),42);",
    'function call(f,o,...a){return f(...a)||0}',
  ],
  [
    'cyclic objects',
    'javascript',
    'function depth(n){let d=0;while(n){d++;n=n.next;if(d>3)return -1}return d}\nfunction cyc(o){const s=new Set();const go=x=>{if(typeof x!=="object"||!x)return false;if(s.has(x))return true;s.add(x);const r=Object.values(x).some(go);s.delete(x);return r};return go(o)}',
    "const assert=require('node:assert');\nconst a={v:1};a.self=a;assert.strictEqual(cyc(a),true);assert.strictEqual(cyc({a:{b:1}}),false);const n={next:null};n.next={next:n};assert.strictEqual(depth(n),-1);",
    'function depth(n){return 0}\nfunction cyc(o){return false}',
  ],
  [
    'frozen argument, getter',
    'javascript',
    'function f(o){return Object.isFrozen(o)}',
    "const assert=require('node:assert');\nassert.strictEqual(f(Object.freeze({a:1})),true);assert.strictEqual(f({}),false);",
    'function f(o){return true}',
  ],
  [
    'deepFreeze',
    'javascript',
    'function deepFreeze(o){Object.values(o).forEach(v=>typeof v==="object"&&v&&deepFreeze(v));return Object.freeze(o)}',
    "const assert=require('node:assert');\nconst o=deepFreeze({a:{b:1}});assert.ok(Object.isFrozen(o)&&Object.isFrozen(o.a));assert.throws(()=>{'use strict';o.a.b=2});",
    'function deepFreeze(o){return Object.freeze(o)}',
  ],
  [
    'once and identity of result function',
    'javascript',
    'function once(f){let d=false,r;return function(...a){if(!d){d=true;r=f.apply(this,a)}return r}}',
    "const assert=require('node:assert');\nlet n=0;const o={k:5,g:once(function(x){n++;return this.k+x})};assert.strictEqual(o.g(1),6);assert.strictEqual(o.g(9),6);assert.strictEqual(n,1);",
    'function once(f){return f}',
  ],
  [
    'AbortController, Buffer, Date and URL args',
    'javascript',
    'function hex(b){return b.toString("hex")}\nfunction isBuf(b){return Buffer.isBuffer(b)}\nfunction host(u){return u.hostname}',
    "const assert=require('node:assert');\nassert.strictEqual(hex(Buffer.from('hi')),'6869');assert.ok(isBuf(Buffer.from('a')));",
    'function hex(b){return ""}\nfunction isBuf(b){return false}',
  ],
  [
    'Buffer result',
    'javascript',
    'function enc(s){return Buffer.from(s)}',
    "const assert=require('node:assert');\nassert.ok(Buffer.isBuffer(enc('hi')));assert.strictEqual(enc('hi').toString('base64'),'aGk=');assert.deepStrictEqual(enc('a'),Buffer.from('a'));",
    'function enc(s){return new Uint8Array(Buffer.from(s))}',
  ],
  [
    'prototype extension',
    'javascript',
    'Array.prototype.last=function(){return this[this.length-1]};\nString.prototype.shout=function(){return this.toUpperCase()+"!"};',
    "const assert=require('node:assert');\nassert.strictEqual([1,2,3].last(),3);assert.strictEqual([].last(),undefined);assert.strictEqual('hi'.shout(),'HI!');",
    'Array.prototype.last=function(){return this[0]};String.prototype.shout=function(){return ""}',
  ],
  [
    'Function.prototype extension',
    'javascript',
    'Function.prototype.myBind=function(t,...a){const f=this;return (...b)=>f.apply(t,[...a,...b])};',
    "const assert=require('node:assert');\nconst f=function(x){return this.k+x};assert.strictEqual(f.myBind({k:1})(2),3);",
    'Function.prototype.myBind=function(){return this}',
  ],
  [
    'console.log capture',
    'javascript',
    'function hi(n){console.log("hi "+n)}',
    "const assert=require('node:assert');\nconst log=console.log;const got=[];console.log=(...a)=>got.push(a.join(' '));hi('bob');console.log=log;assert.deepStrictEqual(got,['hi bob']);",
    'function hi(n){console.log("ho")}',
  ],
  [
    'jest.fn mocks',
    'javascript',
    'function each(l,f){for(const x of l)f(x)}',
    "test('x',()=>{const f=jest.fn();each([1,2],f);expect(f).toHaveBeenCalledTimes(2);expect(f).toHaveBeenCalledWith(1);expect(f.mock.calls).toEqual([[1],[2]]);});test('y',()=>{const f=jest.fn(x=>x*2);f.mockReturnValueOnce(9);each([1],f);expect(f.mock.results[0].value).toBe(9)});",
    'function each(l,f){f(1)}',
  ],
  [
    'console.log spy',
    'javascript',
    'function hi(n){console.log("hi",n)}',
    "test('x',()=>{const s=jest.spyOn(console,'log').mockImplementation(()=>{});hi('bob');expect(s).toHaveBeenCalledWith('hi','bob');s.mockRestore();});",
    'function hi(n){console.log("ho")}',
  ],
  [
    'require answer',
    'javascript',
    'function add(a,b){return a+b}\nmodule.exports={add}',
    "const assert=require('node:assert');\nconst {add}=require('./answer');assert.strictEqual(add(1,2),3);",
    'module.exports={add:(a,b)=>a-b}',
  ],
  [
    'import answer.js no exports',
    'javascript',
    'function add(a,b){return a+b}',
    "import { add } from './answer.js';\nimport assert from 'node:assert';\nassert.strictEqual(add(1,2),3);",
    'function add(a,b){return a-b}',
  ],
  [
    'require other name',
    'javascript',
    'function add(a,b){return a+b}\nmodule.exports=add',
    "const assert=require('node:assert');\nconst add=require('../src/add');assert.strictEqual(add(1,2),3);",
    'module.exports=(a,b)=>a-b',
  ],
  [
    'import solution',
    'javascript',
    'export function add(a,b){return a+b}\nexport default add;',
    "import sum, { add } from './solution';\nimport * as all from './solution.mjs';\nimport assert from 'node:assert';\nassert.strictEqual(add(1,2),3);assert.strictEqual(sum(1,2),3);assert.strictEqual(all.add(2,2),4);",
    'export function add(a,b){return a-b}\nexport default add;',
  ],
  [
    'dynamic import',
    'javascript',
    'export function add(a,b){return a+b}',
    "import assert from 'node:assert';\nconst { add } = await import('./answer.js');\nassert.strictEqual(add(1,2),3);",
    'export function add(a,b){return a-b}',
  ],
  [
    'fake Date.now',
    'javascript',
    'function age(t){return Date.now()-t}',
    "const assert=require('node:assert');\nconst now=Date.now;Date.now=()=>100;assert.strictEqual(age(40),60);Date.now=now;assert.ok(age(Date.now())<60000);",
    'function age(t){return t}',
  ],
  [
    'fake Math.random',
    'javascript',
    'function roll(){return Math.floor(Math.random()*6)+1}',
    "const assert=require('node:assert');\nconst r=Math.random;Math.random=()=>0.5;assert.strictEqual(roll(),4);Math.random=()=>0;assert.strictEqual(roll(),1);Math.random=r;",
    'function roll(){return 4}',
  ],
  [
    'fake fetch',
    'javascript',
    'async function get(u){const r=await fetch(u);return (await r.json()).name}',
    "const assert=require('node:assert');\nglobal.fetch=async(u)=>({ok:true,json:async()=>({name:'bob '+u})});assert.strictEqual(await get('/x'),'bob /x');",
    'async function get(u){return "bob"}',
  ],
  [
    'process.env',
    'javascript',
    'function level(){return process.env.LEVEL||"info"}',
    "const assert=require('node:assert');\nassert.strictEqual(level(),'info');process.env.LEVEL='debug';assert.strictEqual(level(),'debug');delete process.env.LEVEL;assert.strictEqual(level(),'info');",
    'function level(){return "info"}',
  ],
  [
    'fake timers',
    'javascript',
    'function later(f,ms){setTimeout(f,ms)}',
    "jest.useFakeTimers();test('x',()=>{const f=jest.fn();later(f,1000);expect(f).not.toHaveBeenCalled();jest.advanceTimersByTime(1000);expect(f).toHaveBeenCalledTimes(1);});",
    'function later(f,ms){f()}',
  ],
  [
    'node mock timers',
    'javascript',
    'function later(f,ms){setTimeout(f,ms)}',
    "const assert=require('node:assert');\nconst {mock,test}=require('node:test');test('x',()=>{mock.timers.enable({apis:['setTimeout']});let n=0;later(()=>n++,1000);assert.strictEqual(n,0);mock.timers.tick(1000);assert.strictEqual(n,1);mock.timers.reset();});",
    'function later(f,ms){}',
  ],
  [
    'debounce with real timers',
    'javascript',
    'function debounce(f,ms){let t;return (...a)=>{clearTimeout(t);t=setTimeout(()=>f(...a),ms)}}',
    "const assert=require('node:assert');\nlet n=0,last;const d=debounce(x=>{n++;last=x},20);d(1);d(2);d(3);await new Promise(r=>setTimeout(r,200));assert.strictEqual(n,1);assert.strictEqual(last,3);",
    'function debounce(f,ms){return f}',
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

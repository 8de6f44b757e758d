import { expect, test } from '@jest/globals';
import { spreadApart } from './chart';

test('labels move apart around their middle, in order, and stay inside', () => {
  expect(spreadApart([50, 52, 54], 10, 0, 100)).toEqual([42, 52, 62]);
  expect(spreadApart([10, 80], 10, 0, 100)).toEqual([10, 80]);
  expect(spreadApart([1, 0], 10, 0, 100)).toEqual([10, 0]);
  expect(spreadApart([99, 100], 10, 0, 100)).toEqual([90, 100]);
});

;; The inner loop of the vector index: out[i] = rows[i] · query for `count` rows of `stride` f32 each.
;; `stride` is a multiple of 16, so that four SIMD accumulators hide the latency of the additions.
;; dot-scan.ts holds this file compiled; dot-scan.test.ts compiles it again and compares.
(module
  (import "arena" "memory" (memory 1))
  (func (export "scan")
    (param $rows i32) (param $count i32) (param $query i32) (param $stride i32) (param $out i32)
    (local $end i32) (local $q i32) (local $qend i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $qend (i32.add (local.get $query) (i32.shl (local.get $stride) (i32.const 2))))
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $row
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (local.set $q (local.get $query))
        (local.set $a (v128.const f32x4 0 0 0 0))
        (local.set $b (v128.const f32x4 0 0 0 0))
        (local.set $c (v128.const f32x4 0 0 0 0))
        (local.set $d (v128.const f32x4 0 0 0 0))
        (loop $step
          (local.set $a (f32x4.add (local.get $a)
            (f32x4.mul (v128.load (local.get $rows)) (v128.load (local.get $q)))))
          (local.set $b (f32x4.add (local.get $b)
            (f32x4.mul (v128.load offset=16 (local.get $rows)) (v128.load offset=16 (local.get $q)))))
          (local.set $c (f32x4.add (local.get $c)
            (f32x4.mul (v128.load offset=32 (local.get $rows)) (v128.load offset=32 (local.get $q)))))
          (local.set $d (f32x4.add (local.get $d)
            (f32x4.mul (v128.load offset=48 (local.get $rows)) (v128.load offset=48 (local.get $q)))))
          (local.set $rows (i32.add (local.get $rows) (i32.const 64)))
          (local.set $q (i32.add (local.get $q) (i32.const 64)))
          (br_if $step (i32.lt_u (local.get $q) (local.get $qend))))
        (local.set $a (f32x4.add
          (f32x4.add (local.get $a) (local.get $b))
          (f32x4.add (local.get $c) (local.get $d))))
        (f32.store (local.get $out)
          (f32.add
            (f32.add (f32x4.extract_lane 0 (local.get $a)) (f32x4.extract_lane 1 (local.get $a)))
            (f32.add (f32x4.extract_lane 2 (local.get $a)) (f32x4.extract_lane 3 (local.get $a)))))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (br $row)))))

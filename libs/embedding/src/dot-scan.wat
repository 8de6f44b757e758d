;; The inner loop of the vector index: which rows of a block are near enough to two queries, and their dot products.
;;
;; A component x of a unit vector is two 16-bit numbers, x = (high + low / 65534) / 32767. A block keeps the high parts of
;; its rows one after the other and, `$plane` bytes behind, the low parts. The scan multiplies high parts alone, eight at a
;; time and without rounding; a row that comes within the bar is multiplied again with all its bits.
;;
;; A query slot: 0 bar i32 | 4 count of hits i32 | 16 scratch v128 | 32 high parts | 32 + $row components f32, divided
;; by 32767 | 32 + 3 $row hits, 8 bytes each: row i32, dot product f32. `$row`: bytes of a row's high parts, a multiple of 32.
;;
;; dot-scan.ts holds this file compiled (libs/embedding/compile-dot-scan.mjs); dot-scan.test.ts compiles it again and compares.
(module
  (import "arena" "memory" (memory 1))

  ;; Four rows at a time, two queries at once: a row is loaded once for both, a query once for four rows. `$count` is
  ;; rounded up to four.
  (func (export "scan") (param $rows i32) (param $count i32) (param $row i32) (param $plane i32) (param $a i32) (param $b i32)
    (local $i i32) (local $p i32) (local $q i32) (local $pend i32) (local $r1 i32) (local $r2 i32) (local $r3 i32)
    (local $bara v128) (local $barb v128) (local $vp v128) (local $vq v128) (local $v v128)
    (local $p0 v128) (local $q0 v128) (local $p1 v128) (local $q1 v128)
    (local $p2 v128) (local $q2 v128) (local $p3 v128) (local $q3 v128)
    (i32.store offset=4 (local.get $a) (i32.const 0))
    (i32.store offset=4 (local.get $b) (i32.const 0))
    (local.set $bara (i32x4.splat (i32.load (local.get $a))))
    (local.set $barb (i32x4.splat (i32.load (local.get $b))))
    (local.set $pend (i32.add (i32.add (local.get $a) (i32.const 32)) (local.get $row)))
    (block $done
      (loop $four
        (br_if $done (i32.ge_u (local.get $i) (local.get $count)))
        (local.set $p (i32.add (local.get $a) (i32.const 32)))
        (local.set $q (i32.add (local.get $b) (i32.const 32)))
        (local.set $r1 (i32.add (local.get $rows) (local.get $row)))
        (local.set $r2 (i32.add (local.get $r1) (local.get $row)))
        (local.set $r3 (i32.add (local.get $r2) (local.get $row)))
        (local.set $p0 (v128.const i32x4 0 0 0 0))
        (local.set $q0 (v128.const i32x4 0 0 0 0))
        (local.set $p1 (v128.const i32x4 0 0 0 0))
        (local.set $q1 (v128.const i32x4 0 0 0 0))
        (local.set $p2 (v128.const i32x4 0 0 0 0))
        (local.set $q2 (v128.const i32x4 0 0 0 0))
        (local.set $p3 (v128.const i32x4 0 0 0 0))
        (local.set $q3 (v128.const i32x4 0 0 0 0))
        (loop $step
          (local.set $vp (v128.load (local.get $p)))
          (local.set $vq (v128.load (local.get $q)))
          (local.set $v (v128.load (local.get $rows)))
          (local.set $p0 (i32x4.add (local.get $p0) (i32x4.dot_i16x8_s (local.get $v) (local.get $vp))))
          (local.set $q0 (i32x4.add (local.get $q0) (i32x4.dot_i16x8_s (local.get $v) (local.get $vq))))
          (local.set $v (v128.load (local.get $r1)))
          (local.set $p1 (i32x4.add (local.get $p1) (i32x4.dot_i16x8_s (local.get $v) (local.get $vp))))
          (local.set $q1 (i32x4.add (local.get $q1) (i32x4.dot_i16x8_s (local.get $v) (local.get $vq))))
          (local.set $v (v128.load (local.get $r2)))
          (local.set $p2 (i32x4.add (local.get $p2) (i32x4.dot_i16x8_s (local.get $v) (local.get $vp))))
          (local.set $q2 (i32x4.add (local.get $q2) (i32x4.dot_i16x8_s (local.get $v) (local.get $vq))))
          (local.set $v (v128.load (local.get $r3)))
          (local.set $p3 (i32x4.add (local.get $p3) (i32x4.dot_i16x8_s (local.get $v) (local.get $vp))))
          (local.set $q3 (i32x4.add (local.get $q3) (i32x4.dot_i16x8_s (local.get $v) (local.get $vq))))
          (local.set $vp (v128.load offset=16 (local.get $p)))
          (local.set $vq (v128.load offset=16 (local.get $q)))
          (local.set $v (v128.load offset=16 (local.get $rows)))
          (local.set $p0 (i32x4.add (local.get $p0) (i32x4.dot_i16x8_s (local.get $v) (local.get $vp))))
          (local.set $q0 (i32x4.add (local.get $q0) (i32x4.dot_i16x8_s (local.get $v) (local.get $vq))))
          (local.set $v (v128.load offset=16 (local.get $r1)))
          (local.set $p1 (i32x4.add (local.get $p1) (i32x4.dot_i16x8_s (local.get $v) (local.get $vp))))
          (local.set $q1 (i32x4.add (local.get $q1) (i32x4.dot_i16x8_s (local.get $v) (local.get $vq))))
          (local.set $v (v128.load offset=16 (local.get $r2)))
          (local.set $p2 (i32x4.add (local.get $p2) (i32x4.dot_i16x8_s (local.get $v) (local.get $vp))))
          (local.set $q2 (i32x4.add (local.get $q2) (i32x4.dot_i16x8_s (local.get $v) (local.get $vq))))
          (local.set $v (v128.load offset=16 (local.get $r3)))
          (local.set $p3 (i32x4.add (local.get $p3) (i32x4.dot_i16x8_s (local.get $v) (local.get $vp))))
          (local.set $q3 (i32x4.add (local.get $q3) (i32x4.dot_i16x8_s (local.get $v) (local.get $vq))))
          (local.set $rows (i32.add (local.get $rows) (i32.const 32)))
          (local.set $r1 (i32.add (local.get $r1) (i32.const 32)))
          (local.set $r2 (i32.add (local.get $r2) (i32.const 32)))
          (local.set $r3 (i32.add (local.get $r3) (i32.const 32)))
          (local.set $p (i32.add (local.get $p) (i32.const 32)))
          (local.set $q (i32.add (local.get $q) (i32.const 32)))
          (br_if $step (i32.lt_u (local.get $p) (local.get $pend))))
        ;; $rows and the others now lie one row further.
        (local.set $v (call $sums (local.get $p0) (local.get $p1) (local.get $p2) (local.get $p3)))
        (if (v128.any_true (i32x4.ge_s (local.get $v) (local.get $bara)))
          (then (call $hit (local.get $a) (local.get $v) (local.get $i)
            (i32.sub (local.get $rows) (local.get $row)) (local.get $row) (local.get $plane))))
        (local.set $v (call $sums (local.get $q0) (local.get $q1) (local.get $q2) (local.get $q3)))
        (if (v128.any_true (i32x4.ge_s (local.get $v) (local.get $barb)))
          (then (call $hit (local.get $b) (local.get $v) (local.get $i)
            (i32.sub (local.get $rows) (local.get $row)) (local.get $row) (local.get $plane))))
        (local.set $rows (local.get $r3))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br $four))))

  ;; The sum of each.
  (func $sums (param $a v128) (param $b v128) (param $c v128) (param $d v128) (result v128)
    (local.set $a (i32x4.add
      (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $a) (local.get $b))
      (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $a) (local.get $b))))
    (local.set $c (i32x4.add
      (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $c) (local.get $d))
      (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $c) (local.get $d))))
    (i32x4.add
      (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $a) (local.get $c))
      (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $a) (local.get $c))))

  ;; Notes those of four rows that reach the bar of the slot. `$i`: the first's number, `$rows`: its address.
  (func $hit (param $slot i32) (param $sums v128) (param $i i32) (param $rows i32) (param $row i32) (param $plane i32)
    (local $k i32) (local $hits i32) (local $at i32)
    (v128.store offset=16 (local.get $slot) (local.get $sums))
    (local.set $hits (i32.load offset=4 (local.get $slot)))
    (loop $lane
      (if (i32.ge_s
          (i32.load offset=16 (i32.add (local.get $slot) (i32.shl (local.get $k) (i32.const 2))))
          (i32.load (local.get $slot)))
        (then
          (local.set $at (i32.add
            (i32.add (local.get $slot) (i32.mul (local.get $row) (i32.const 3)))
            (i32.shl (local.get $hits) (i32.const 3))))
          (i32.store offset=32 (local.get $at) (i32.add (local.get $i) (local.get $k)))
          (f32.store offset=36 (local.get $at) (call $exact
            (i32.add (local.get $rows) (i32.mul (local.get $k) (local.get $row)))
            (local.get $row)
            (local.get $plane)
            (i32.add (i32.add (local.get $slot) (i32.const 32)) (local.get $row))))
          (local.set $hits (i32.add (local.get $hits) (i32.const 1)))))
      (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br_if $lane (i32.lt_u (local.get $k) (i32.const 4))))
    (i32.store offset=4 (local.get $slot) (local.get $hits)))

  ;; Dot product of the row at `$high` and the f32 components at `$q`.
  (func $exact (param $high i32) (param $row i32) (param $plane i32) (param $q i32) (result f32)
    (local $end i32) (local $h v128) (local $l v128) (local $a v128) (local $b v128)
    (local.set $end (i32.add (local.get $high) (local.get $row)))
    (loop $step
      (local.set $h (v128.load (local.get $high)))
      (local.set $l (v128.load (i32.add (local.get $high) (local.get $plane))))
      (local.set $a (f32x4.add (local.get $a) (f32x4.mul (v128.load (local.get $q)) (f32x4.add
        (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $h)))
        (f32x4.mul (f32x4.splat (f32.div (f32.const 1) (f32.const 65534)))
          (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $l))))))))
      (local.set $b (f32x4.add (local.get $b) (f32x4.mul (v128.load offset=16 (local.get $q)) (f32x4.add
        (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $h)))
        (f32x4.mul (f32x4.splat (f32.div (f32.const 1) (f32.const 65534)))
          (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $l))))))))
      (local.set $high (i32.add (local.get $high) (i32.const 16)))
      (local.set $q (i32.add (local.get $q) (i32.const 32)))
      (br_if $step (i32.lt_u (local.get $high) (local.get $end))))
    (local.set $a (f32x4.add (local.get $a) (local.get $b)))
    (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $a)) (f32x4.extract_lane 1 (local.get $a)))
      (f32.add (f32x4.extract_lane 2 (local.get $a)) (f32x4.extract_lane 3 (local.get $a))))))

import { expect, test } from 'vitest';
import { changedLines } from '../../tools/mutation/changed-lines.ts';

const diff = `diff --git a/lib/core/fair.ts b/lib/core/fair.ts
index 1..2 100644
--- a/lib/core/fair.ts
+++ b/lib/core/fair.ts
@@ -10,2 +10,3 @@ const some = (function_: string) => {
-old
+++new
@@ -40 +41 @@
@@ -50,4 +51,0 @@
diff --git a/lib/core/gone.ts b/lib/core/gone.ts
--- a/lib/core/gone.ts
+++ /dev/null
@@ -1,9 +0,0 @@
diff --git a/lib/api/new.ts b/lib/api/new.ts
--- /dev/null
+++ b/lib/api/new.ts
@@ -0,0 +1,20 @@
`;

test('lines that a change adds are mutated, and no file that it removes', () => {
  expect(changedLines(diff)).toEqual(['lib/core/fair.ts:10-12', 'lib/core/fair.ts:41-41', 'lib/api/new.ts:1-20']);
});

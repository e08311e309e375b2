<?php
// Prints as many MiB as the query says.
header('Content-Type: application/octet-stream');
$piece = str_repeat('0123456789abcdef', 1 << 16);
for ($n = (int) $_GET['n']; $n > 0; $n--) {
    echo $piece;
}

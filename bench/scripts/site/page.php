<?php
// Lines of 64 bytes: as many bytes as ?n= says, 1024 without.
header('Content-Type: text/plain');
header('X-Script: page');
$n = (int)($_GET['n'] ?? 1024);
echo substr(str_repeat("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.\n", intdiv($n, 64) + 1), 0, $n);

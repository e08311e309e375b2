<?php
// Says that it has begun, and waits for a file.
header('Cache-Control: no-store');
$data = $_SERVER['DATA'];
touch("$data/begun-" . getmypid());
while (!file_exists("$data/go")) {
    clearstatcache();
    usleep(10000);
}
echo 'held';

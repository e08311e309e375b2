<?php
http_response_code(418);
header('X-One: 1');
header('Set-Cookie: a=1');
header('Set-Cookie: b=2', false);
error_log('what the script says');
echo 'teapot';
